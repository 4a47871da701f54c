#include "millrace/operators/fingerprint.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

TEST(FingerprintTest, IsXxh3With128BitsForEver) {
  // Published vectors of XXH3_128bits without seed: state and topics hold these values.
  EXPECT_EQ(fingerprint(""), (Fingerprint{0x6001C324468D497F, 0x99AA06D3014798D8}));
  EXPECT_EQ(fingerprint("ac7a12a3335acf9ab07"), fingerprint(std::string{"ac7a12a3335acf9ab07"}));
  EXPECT_NE(fingerprint("a"), fingerprint("b"));
  EXPECT_NE(fingerprint(std::string_view{"a\0", 2}), fingerprint("a"));
}

TEST(FingerprintTest, ShardsAreEvenAndNeverOutOfRange) {
  constexpr int kTexts = 60'000;
  for (const std::uint32_t shards : {1u, 2u, 3u, 7u, 64u}) {
    std::vector<int> count(shards);
    for (int i = 0; i < kTexts; ++i)
      ++count.at(shard_of(fingerprint("user-" + std::to_string(i)), shards));
    for (const int texts : count) {
      const double expected = static_cast<double>(kTexts) / shards;
      EXPECT_NEAR(texts, expected, expected * 0.2) << shards << " shards";
    }
  }
  EXPECT_EQ(shard_of({~std::uint64_t{0}, ~std::uint64_t{0}}, 3), 2u);
  EXPECT_EQ(shard_of({}, 3), 0u);
}

TEST(FingerprintTest, ShardDoesNotDependOnTheBitsThatTablesUse) {
  EXPECT_EQ(shard_of({0, 1234567890123456789u}, 16),
            shard_of({~std::uint64_t{0}, 1234567890123456789u}, 16));
}

}  // namespace
}  // namespace millrace
