#include "millrace/apps/program/duration.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace millrace {
namespace {

using std::chrono::milliseconds;

TEST(DurationTest, ReadsNumbersWithUnits) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {{"0", 0},
                                                                   {"0s", 0},
                                                                   {"100ms", 100},
                                                                   {"5s", 5'000},
                                                                   {"1m", 60'000},
                                                                   {"10m", 600'000},
                                                                   {"1h", 3'600'000},
                                                                   {"2d", 172'800'000},
                                                                   {"1w", 604'800'000},
                                                                   {"86400s", 86'400'000},
                                                                   {"1h30m", 5'400'000},
                                                                   {"1m500ms", 60'500}};
  for (const auto& [text, expected] : cases) {
    const Result<milliseconds> parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->count(), expected) << text;
  }
}

TEST(DurationTest, RefusesWhatIsNotADuration) {
  for (const char* text :
       {"", "5", "s", "-5s", "5 s", "5sec", "1.5s", "1m1h", "1s1s", "99999999999999999999s",
        "9223372036854775807w", "1h9223372036854775807ms"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(DurationTest, WritesWhatItReads) {
  EXPECT_EQ(format_duration(milliseconds{90'000}), "1m30s");
  EXPECT_EQ(format_duration(milliseconds{0}), "0s");
  EXPECT_EQ(format_duration(milliseconds{86'400'000}), "1d");
  for (const std::int64_t count : {1, 999, 1'001, 59'999, 3'661'001, 604'800'001}) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds{count}))->count(), count);
  }
}

TEST(BytesTest, ReadsAndWritesPowersOf1024) {
  EXPECT_EQ(*parse_bytes("4096"), 4096);
  EXPECT_EQ(*parse_bytes("64k"), 65'536);
  EXPECT_EQ(*parse_bytes("64KiB"), 65'536);
  EXPECT_EQ(*parse_bytes("512M"), 536'870'912);
  EXPECT_EQ(*parse_bytes("2GB"), std::int64_t{2} << 30);
  EXPECT_EQ(format_bytes(536'870'912), "512M");
  EXPECT_EQ(format_bytes(1'000), "1000");
  EXPECT_EQ(format_bytes(0), "0");
}

TEST(BytesTest, RefusesWhatIsNotASize) {
  for (const char* text : {"", "M", "-1", "1.5G", "5X", "5MX", "99999999999T"}) {
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  }
}

}  // namespace
}  // namespace millrace
