#include "millrace/operators/key_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace millrace {
namespace {

using testing::Optional;

enum class Level : std::uint8_t { kLow = 1, kHigh = 2 };

TEST(KeyText, ReadsTextsAsTheyAre) {
  EXPECT_THAT(key_from_text<std::string>(""), Optional(std::string()));
  EXPECT_THAT(key_from_text<std::string>(" 7/"), Optional(std::string(" 7/")));
}

TEST(KeyText, ReadsWholeNumbersInRange) {
  EXPECT_THAT(key_from_text<std::int64_t>("-9223372036854775808"), Optional(INT64_MIN));
  EXPECT_THAT(key_from_text<std::uint8_t>("255"), Optional(255));
  EXPECT_THAT(key_from_text<double>("2.5e3"), Optional(2500.0));
  EXPECT_THAT(key_from_text<Level>("2"), Optional(Level::kHigh));
  EXPECT_THAT(key_from_text<std::chrono::sys_seconds>("60"),
              Optional(std::chrono::sys_seconds(std::chrono::seconds(60))));
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "256", "-1", "1.0"})
    EXPECT_EQ(key_from_text<std::uint8_t>(text), std::nullopt) << text;
}

TEST(KeyText, ReadsBooleansByName) {
  EXPECT_THAT(key_from_text<bool>("true"), Optional(true));
  EXPECT_THAT(key_from_text<bool>("false"), Optional(false));
  for (const char* text : {"", "1", "True"}) EXPECT_EQ(key_from_text<bool>(text), std::nullopt);
}

TEST(KeyText, KnowsWhichKeysHaveNone) {
  EXPECT_TRUE(kHasKeyText<std::string> && kHasKeyText<bool> && kHasKeyText<float> &&
              kHasKeyText<Level>);
  EXPECT_FALSE(kHasKeyText<std::vector<int>> || kHasKeyText<char32_t>);
}

}  // namespace
}  // namespace millrace
