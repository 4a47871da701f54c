#include "millrace/apps/program/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/apps/program/number_text.h"

namespace millrace {
namespace {

class ManualClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms; }
  std::int64_t monotonic_ms() const override { return now_ms; }
  std::int64_t now_ms = 1'000;
};

TEST(ProgressTest, ShowsShareRateAndTimeLeft) {
  Terminal terminal;
  ManualClock clock;
  const Progress progress{terminal, clock, {"load x", "records", 400'000'000, std::nullopt}};
  clock.now_ms += 10'000;
  EXPECT_EQ(
      progress.line(50'000, 100'000'000, 200),
      "load x: [######                  ]  25%, 50,000 records, 5,000/s, 10.0 MB/s, 30s left");
  EXPECT_EQ(progress.line(50'000, 100'000'000, 10), "load x: [#");
}

TEST(ProgressTest, ShowsNoBarWithoutATotal) {
  Terminal terminal;
  ManualClock clock;
  const Progress progress{terminal, clock, {"frames", "frames", std::nullopt, std::nullopt}};
  clock.now_ms += 2'000;
  EXPECT_EQ(progress.line(3'000'000, 0, 200), "frames: 3,000,000 frames, 1,500,000/s");
}

TEST(ProgressTest, WritesALineEachFiveSecondsWhereNobodyLooks) {
  Terminal terminal;
  if (terminal.interactive()) GTEST_SKIP() << "standard error is a terminal";
  ManualClock clock;
  testing::internal::CaptureStderr();
  {
    Progress progress{terminal, clock, {"frames", "frames", std::nullopt, 10}};
    for (int i = 1; i <= 11; ++i) {
      clock.now_ms += 1'000;
      progress.update(i, 0);
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "frames: [############            ]  50%, 5 frames, 1/s, 5s left\n"
            "frames: [########################] 100%, 10 frames, 1/s, 0s left\n");
}

TEST(NumberTextTest, GroupsDigitsByThree) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1'000), "1,000");
  EXPECT_EQ(with_thousands(-1'234'567), "-1,234,567");
  EXPECT_EQ(with_thousands(-123), "-123");
}

}  // namespace
}  // namespace millrace
