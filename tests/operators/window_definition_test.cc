#include "millrace/operators/window_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::int64_t kDayMs = 86'400'000;

bool leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

std::int64_t days_of_month(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month] + (month == 1 && leap(year) ? 1 : 0);
}

/// The naive oracle: walks the calendar month by month from 1970 on, or back.
Window month_by_walking(std::int64_t timestamp_ms, bool whole_year) {
  std::int64_t year = 1970, start = 0;
  const auto year_days = [](std::int64_t y) { return leap(y) ? 366 : 365; };
  while (timestamp_ms < start) start -= year_days(--year) * kDayMs;
  while (timestamp_ms >= start + year_days(year) * kDayMs) start += year_days(year++) * kDayMs;
  if (whole_year) return {start, start + year_days(year) * kDayMs};
  for (int month = 0;; ++month) {
    const std::int64_t end = start + days_of_month(year, month) * kDayMs;
    if (timestamp_ms < end) return {start, end};
    start = end;
  }
}

/// Aligned to `anchor_ms`, found by steps of one window from a multiple that is certainly below.
Window span_by_walking(std::int64_t timestamp_ms, std::int64_t length, std::int64_t anchor_ms) {
  std::int64_t start = (timestamp_ms - anchor_ms) / length * length + anchor_ms - 2 * length;
  while (start + length <= timestamp_ms) start += length;
  return {start, start + length};
}

std::vector<WindowDefinition> all_sorts() {
  return {tumbling(1s),      tumbling(7s),      tumbling(60s),      tumbling(90s),
          tumbling(600s),    tumbling(1h),      tumbling(5h),       tumbling(86400s),
          tumbling(172800s), tumbling(604800s), tumbling(1209600s), calendar_day(),
          calendar_week(),   calendar_month(),  calendar_year()};
}

TEST(WindowDefinitionTest, AgreesWithACalendarWalkedByHand) {
  constexpr std::uint64_t kSeed = 20240229;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random{kSeed};
  std::uniform_int_distribution<std::int64_t> wide{-62'135'596'800'000,
                                                   253'402'300'799'999};  // years 1 to 9999
  std::uniform_int_distribution<std::int64_t> near{-4'000'000'000'000, 8'000'000'000'000};
  const std::int64_t monday = 4 * kDayMs;  // 1970-01-05
  for (int i = 0; i < 4'000; ++i) {
    std::int64_t time = i % 4 == 0 ? wide(random) : near(random);
    if (i % 3 == 0) time -= time % kDayMs + i % 2;  // midnight, or the last millisecond before it
    SCOPED_TRACE(testing::Message() << "time " << time);
    ASSERT_EQ(calendar_day().window_of(time), span_by_walking(time, kDayMs, 0));
    ASSERT_EQ(calendar_week().window_of(time), span_by_walking(time, 7 * kDayMs, monday));
    ASSERT_EQ(calendar_month().window_of(time), month_by_walking(time, false));
    ASSERT_EQ(calendar_year().window_of(time), month_by_walking(time, true));
    for (const std::int64_t seconds : {1, 7, 60, 90, 3'600, 86'400, 604'800})
      ASSERT_EQ(tumbling(std::chrono::seconds{seconds}).window_of(time),
                span_by_walking(time, seconds * 1'000, 0));
  }
}

TEST(WindowDefinitionTest, ConsecutiveWindowsMeet) {
  for (const WindowDefinition& definition : all_sorts()) {
    Window window = definition.window_of(-3'000 * kDayMs);
    for (int i = 0; i < 500; ++i) {
      const Window next = definition.window_of(window.end_ms);
      ASSERT_EQ(next.start_ms, window.end_ms) << definition.name();
      ASSERT_EQ(definition.window_of(next.end_ms - 1), next) << definition.name();
      window = next;
    }
  }
}

TEST(WindowDefinitionTest, KnowsLeapDaysAndIsoWeeks) {
  // 2016-02-29T12:00Z, a Monday.
  constexpr std::int64_t kTime = 1'456'747'200'000;
  EXPECT_EQ(calendar_day().window_of(kTime), (Window{1'456'704'000'000, 1'456'790'400'000}));
  EXPECT_EQ(calendar_week().window_of(kTime).start_ms, 1'456'704'000'000);
  EXPECT_EQ(calendar_month().window_of(kTime), (Window{1'454'284'800'000, 1'456'790'400'000}));
  EXPECT_EQ(calendar_year().window_of(kTime), (Window{1'451'606'400'000, 1'483'228'800'000}));
  EXPECT_EQ(tumbling(60s).window_of(-1), (Window{-60'000, 0})) << "before 1970 too";
  EXPECT_EQ(tumbling(60s).window_of(0), (Window{0, 60'000}));
}

TEST(WindowDefinitionTest, ParsesWhatPeopleWrite) {
  const std::vector<std::pair<std::string, WindowDefinition>> cases{
      {"60s", tumbling(60s)},
      {"1m", tumbling(60s)},
      {"10m", tumbling(600s)},
      {"1h", tumbling(3600s)},
      {"90s", tumbling(90s)},
      {"86400s", tumbling(86400s)},
      {"1d", tumbling(86400s)},
      {"1s", tumbling(1s)},
      {"day", calendar_day()},
      {"week", calendar_week()},
      {"month", calendar_month()},
      {"year", calendar_year()},
      {"36525d", tumbling(WindowDefinition::kMaxTumbling)}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = WindowDefinition::parse(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(WindowDefinitionTest, RefusesTheRestWithTheTextAndTheRemedy) {
  for (const std::string text : {"", "0s", "-5m", "5", "1.5h", "m", "1 m", " 1m", "1m ", "1ms",
                                 "1w", "days", "Day", "36526d", "99999999999999999999s",
                                 "9223372036854775807d", "-99999999999999999999s", "+1m"}) {
    const auto parsed = WindowDefinition::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalid);
    EXPECT_THAT(parsed.status().message(), HasSubstr("window '" + text + "'"));
    EXPECT_THAT(parsed.status().message(), HasSubstr("month"));
  }
  EXPECT_THAT(WindowDefinition::parse("5").status().message(), HasSubstr("has no unit"));
  EXPECT_THAT(WindowDefinition::parse("1w").status().message(), HasSubstr("unknown unit 'w'"));
  EXPECT_THAT(WindowDefinition::parse("0s").status().message(), HasSubstr("is not positive"));
  EXPECT_THAT(WindowDefinition::parse("36526d").status().message(), HasSubstr("100 years"));
}

TEST(WindowDefinitionTest, NamesAreWhatResultKeysHold) {
  EXPECT_EQ(tumbling(60s).name(), "60");
  EXPECT_EQ(tumbling(WindowDefinition::kMaxTumbling).name(), "3155760000");
  EXPECT_EQ(calendar_day().name(), "day");
  EXPECT_EQ(calendar_week().name(), "week");
  EXPECT_EQ(calendar_month().name(), "month");
  EXPECT_EQ(calendar_year().name(), "year");
}

TEST(WindowDefinitionTest, NominalLengthIsTheMeanWhereItVaries) {
  EXPECT_EQ(tumbling(90s).nominal_ms(), 90'000);
  EXPECT_EQ(calendar_day().nominal_ms(), kDayMs);
  EXPECT_EQ(calendar_week().nominal_ms(), 7 * kDayMs);
  // 400 Gregorian years are 146,097 days.
  EXPECT_EQ(calendar_year().nominal_ms() * 400, 146'097 * kDayMs);
  EXPECT_EQ(calendar_month().nominal_ms() * 4'800, 146'097 * kDayMs);
}

TEST(WindowDefinitionTest, DividesSaysWhatCanBeRolledUp) {
  EXPECT_TRUE(tumbling(60s).divides(tumbling(600s)));
  EXPECT_FALSE(tumbling(90s).divides(tumbling(600s)));
  EXPECT_FALSE(tumbling(600s).divides(tumbling(60s)));
  for (const auto& calendar :
       {calendar_day(), calendar_week(), calendar_month(), calendar_year()}) {
    EXPECT_TRUE(tumbling(60s).divides(calendar));
    EXPECT_TRUE(tumbling(86400s).divides(calendar));
    EXPECT_FALSE(tumbling(7s).divides(calendar));
    EXPECT_FALSE(tumbling(604800s).divides(calendar)) << "weeks from Thursday to Wednesday";
  }
  EXPECT_TRUE(calendar_day().divides(calendar_week()));
  EXPECT_TRUE(calendar_day().divides(calendar_month()));
  EXPECT_TRUE(calendar_day().divides(tumbling(172800s)));
  EXPECT_TRUE(calendar_month().divides(calendar_year()));
  EXPECT_FALSE(calendar_week().divides(calendar_month()));
  EXPECT_FALSE(calendar_week().divides(calendar_year()));
  EXPECT_FALSE(calendar_week().divides(tumbling(1209600s)));
  EXPECT_FALSE(calendar_month().divides(tumbling(WindowDefinition::kMaxTumbling)));
}

TEST(WindowDefinitionTest, DividesIsAStrictPartialOrder) {
  // What divides nothing but is divided must have somebody at the bottom: a circle would leave no
  // window to start from.
  for (const auto& a : all_sorts()) {
    EXPECT_FALSE(a.divides(a)) << a.name();
    for (const auto& b : all_sorts()) {
      EXPECT_FALSE(a.divides(b) && b.divides(a)) << a.name() << ' ' << b.name();
      for (const auto& c : all_sorts())
        EXPECT_TRUE(!(a.divides(b) && b.divides(c)) || a.divides(c))
            << a.name() << ' ' << b.name() << ' ' << c.name();
    }
  }
}

TEST(WindowDefinitionTest, DividesAgreesWithTheWindowsThemselves) {
  constexpr std::uint64_t kSeed = 3;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random{kSeed};
  std::uniform_int_distribution<std::int64_t> times{0, 4'000'000'000'000};
  for (const auto& smaller : all_sorts()) {
    for (const auto& larger : all_sorts()) {
      if (smaller == larger) continue;
      bool inside = true;
      for (int i = 0; i < 2'000 && inside; ++i) {
        // A window that crosses a border of the larger crosses it at a border: look there.
        const std::int64_t border = larger.window_of(times(random)).start_ms;
        inside = smaller.window_of(border).start_ms == border;
      }
      const bool alike = smaller == calendar_day() && larger == tumbling(86400s);
      EXPECT_EQ(smaller.divides(larger), inside && !alike)
          << smaller.name() << ' ' << larger.name();
    }
  }
}

}  // namespace
}  // namespace millrace
