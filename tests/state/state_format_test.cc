#include "millrace/state/rocksdb/state_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "millrace/tests/golden/golden.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const StateStamp kStamp{"unique-users", "0123456789abcdef"};
const StorePosition kPosition{1'234'567, 1'468'244'385'000, 0xfedc'ba98'7654'3210};

TEST(StateFormat, KeepsTheBytesOfAStamp) {
  expect_golden("state_stamp_v1", encode_state_stamp(kStamp));
}

TEST(StateFormat, KeepsTheBytesOfAPosition) {
  expect_golden("store_position_v2", encode_store_position(kPosition));
}

TEST(StateFormat, ReadsWhatItWrote) {
  for (const StateStamp& stamp : {kStamp, StateStamp()}) {
    const auto read = decode_state_stamp(encode_state_stamp(stamp));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, stamp);
  }
  for (const StorePosition& position : {kPosition, StorePosition()}) {
    const auto read = decode_store_position(encode_store_position(position));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, position);
  }
}

TEST(StateFormat, RefusesUnknownVersionsByName) {
  std::string bytes = encode_state_stamp(kStamp);
  bytes[0] = 9;
  EXPECT_THAT(decode_state_stamp(bytes).status().message(),
              AllOf(HasSubstr("version 9"), HasSubstr("knows 1"), HasSubstr("millrace reset")));
  bytes = encode_store_position(kPosition);
  bytes[0] = 9;
  EXPECT_THAT(decode_store_position(bytes).status().message(),
              AllOf(HasSubstr("version 9"), HasSubstr("knows 2")));
}

TEST(StateFormat, RefusesEveryTruncationAndWhatFollows) {
  std::string bytes = encode_state_stamp(kStamp);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_state_stamp(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_state_stamp(bytes + "x").ok());
  bytes = encode_store_position(kPosition);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_store_position(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_store_position(bytes + "x").ok());
  EXPECT_FALSE(decode_store_position(encode_store_position({-1, 0})).ok());
}

TEST(StateFormat, TakesAnyBytesWithoutHarm) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (!bytes.empty() && i % 2 == 0) bytes[0] = 1;
    const auto stamp = decode_state_stamp(bytes);
    EXPECT_TRUE(!stamp.ok() || encode_state_stamp(*stamp) == bytes);
    const auto position = decode_store_position(bytes);
    EXPECT_TRUE(!position.ok() || encode_store_position(*position) == bytes);
  }
}

}  // namespace
}  // namespace millrace
