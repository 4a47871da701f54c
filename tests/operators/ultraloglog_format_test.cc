#include "millrace/operators/ultraloglog_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace millrace {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::string sample(int precision = 4, int count = 40) {
  std::mt19937_64 random{1};
  UltraLogLog sketch{precision};
  for (int i = 0; i < count; ++i) sketch.add(random());
  std::string bytes;
  append_sketch(sketch, bytes);
  return bytes;
}

std::string with(std::string bytes, std::size_t at, int value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

TEST(UltraLogLogFormatTest, RoundTripsAtEveryPrecision) {
  for (int precision = UltraLogLog::kMinPrecision; precision <= UltraLogLog::kMaxPrecision;
       ++precision) {
    const std::string bytes = sample(precision, 5'000);
    const auto parsed = parse_sketch(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_EQ(parsed->precision(), precision);
    std::string again;
    append_sketch(*parsed, again);
    EXPECT_EQ(again, bytes);
  }
}

TEST(UltraLogLogFormatTest, HasTheseBytes) {
  UltraLogLog sketch{3};
  sketch.add(0);                   // register 0, highest update value
  sketch.add(~std::uint64_t{0});   // register 7, update value 1
  sketch.add(0x3000000000000000);  // register 1, update value 1
  sketch.add(0x2800000000000000);  // register 1, update value 2
  std::string bytes = "behind ";
  append_sketch(sketch, bytes);
  EXPECT_EQ(bytes, std::string("behind \x01\x01\x03\x01\xF8\x0A\0\0\0\0\0\x04", 19));
}

TEST(UltraLogLogFormatTest, RefusesUnknownVersionsByName) {
  EXPECT_THAT(parse_sketch(with(sample(), 0, 7)).status().message(),
              HasSubstr("version 7 is not known"));
  EXPECT_THAT(parse_sketch(with(sample(), 1, 9)).status().message(),
              HasSubstr("algorithm 9 is not known"));
  EXPECT_THAT(parse_sketch(with(sample(), 2, 19)).status().message(),
              HasSubstr("precision 19 is out of range"));
  EXPECT_THAT(parse_sketch(with(sample(), 3, 2)).status().message(),
              HasSubstr("hash 2 is not known"));
}

TEST(UltraLogLogFormatTest, RefusesBrokenSketches) {
  EXPECT_THAT(parse_sketch("").status().message(), HasSubstr("empty"));
  EXPECT_THAT(parse_sketch(sample().substr(0, 3)).status().message(), HasSubstr("cut short"));
  EXPECT_THAT(parse_sketch(sample().substr(0, 19)).status().message(),
              HasSubstr("15 registers instead of 16"));
  EXPECT_THAT(parse_sketch(sample() + '\0').status().message(),
              HasSubstr("17 registers instead of 16"));
  EXPECT_THAT(parse_sketch(with(sample(), 6, 5)).status().message(),
              HasSubstr("register 2 has the impossible value 5"));
}

TEST(UltraLogLogFormatTest, WhateverItAcceptsItWritesAgain) {
  constexpr std::uint64_t kSeed = 77;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random{kSeed};
  const std::string good = sample();
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = with(good, random() % good.size(), static_cast<int>(random() % 256));
    if (random() % 8 == 0) bytes.resize(random() % (bytes.size() + 1));
    const auto parsed = parse_sketch(bytes);
    if (!parsed.ok()) continue;
    ++accepted;
    std::string again;
    append_sketch(*parsed, again);
    ASSERT_EQ(again, bytes);
  }
  EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace millrace
