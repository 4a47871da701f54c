#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/apps/report/window_results.h"
#include "millrace/operators/window_stats.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kStart = 1'468'244'340;

WindowStats stats(const WindowDefinition& definition, std::int64_t start_s, std::uint64_t users) {
  WindowStats stats;
  stats.definition = definition;
  stats.window = definition.window_of(start_s * 1000);
  stats.users = users;
  stats.frames = 2 * users;
  return stats;
}

/// Through the bytes that unique_users writes.
WindowResult result(const WindowStats& stats) {
  std::string json;
  window_stats_json().encode(stats, json);
  RecordBatch batch;
  batch.append({}, json, 0, 0);
  WindowResult result;
  EXPECT_TRUE(window_result_json().decode(batch.records()[0], batch.arena(), result).ok()) << json;
  return result;
}

WindowResult minute(int number, std::uint64_t users) {
  return result(stats(tumbling(std::chrono::minutes(1)), kStart + 60 * number, users));
}

TEST(WindowResultsTest, ShowsWindowsByTimeWithAveragesAndPeak) {
  WindowResults results;
  EXPECT_TRUE(results.empty());
  results.add(minute(1, 1200));
  results.add(minute(0, 900));
  EXPECT_EQ(results.text(),
            "TIME                  WINDOW  USERS  FRAMES  FRAMES/S  NOTE\n"
            "2016-07-11T13:39:00Z  1m        900   1,800     30.00\n"
            "2016-07-11T13:40:00Z  1m      1,200   2,400     40.00\n"
            "2 final: on average 1050.0 users, 2100.0 frames, 35.00 frames/s; "
            "peak 1,200 users at 2016-07-11T13:40:00Z\n");
}

TEST(WindowResultsTest, NewerResultOfAWindowReplacesTheOlder) {
  WindowResults results;
  results.add(minute(0, 900));
  WindowStats again = stats(tumbling(std::chrono::minutes(1)), kStart, 950);
  again.revision = 1;
  results.add(result(again));
  EXPECT_THAT(results.text(), HasSubstr(" 950   1,900     31.67  revision 1\n"));
  EXPECT_THAT(results.text(), HasSubstr("1 final: on average 950.0 users"));
}

TEST(WindowResultsTest, OpenWindowsAreMarkedAndLeftOutOfAverages) {
  WindowResults results;
  WindowStats open = stats(tumbling(std::chrono::minutes(1)), kStart + 60, 5000);
  open.final = false;
  results.add(result(open));
  EXPECT_THAT(results.text(), HasSubstr("no window of 1m is final yet\n"));
  results.add(minute(0, 900));
  EXPECT_THAT(results.text(), HasSubstr("open\n"));
  EXPECT_THAT(results.text(), HasSubstr("1 final: on average 900.0 users"));
  open.revision = 2;
  results.add(result(open));
  EXPECT_THAT(results.text(), HasSubstr("open, revision 2\n"));
}

TEST(WindowResultsTest, KindsOfWindowsStandApartShortOnesFirst) {
  WindowResults results;
  results.add(result(stats(calendar_month(), kStart, 30)));
  results.add(result(stats(calendar_month(), kStart + 31 * 86'400, 40)));
  results.add(result(stats(tumbling(std::chrono::hours(2)), kStart, 20)));
  results.add(minute(0, 10));
  EXPECT_EQ(results.text(),
            "TIME                  WINDOW  USERS  FRAMES  FRAMES/S  NOTE\n"
            "2016-07-11T13:39:00Z  1m         10      20      0.33\n"
            "1 final: on average 10.0 users, 20.0 frames, 0.33 frames/s; "
            "peak 10 users at 2016-07-11T13:39:00Z\n"
            "\n"
            "TIME                  WINDOW  USERS  FRAMES  FRAMES/S  NOTE\n"
            "2016-07-11T12:00:00Z  2h         20      40      0.01\n"
            "1 final: on average 20.0 users, 40.0 frames, 0.01 frames/s; "
            "peak 20 users at 2016-07-11T12:00:00Z\n"
            "\n"
            "TIME                  WINDOW  USERS  FRAMES  FRAMES/S  NOTE\n"
            "2016-07-01T00:00:00Z  month      30      60      0.00\n"
            "2016-08-01T00:00:00Z  month      40      80      0.00\n"
            "2 final: on average 35.0 users, 70.0 frames, 0.00 frames/s; "
            "peak 40 users at 2016-08-01T00:00:00Z\n");
}

TEST(WindowResultsTest, OfManyWindowsTheLastAreShownAndAllAreAveraged) {
  WindowResults results;
  for (int i = 0; i < 10; ++i) results.add(minute(i, i == 0 ? 1000 : 100));
  const std::string text = results.text(2);
  EXPECT_THAT(text, HasSubstr("the last 2 of 10 windows\n"));
  EXPECT_THAT(text, HasSubstr("2016-07-11T13:48:00Z  1m"));
  EXPECT_THAT(text, HasSubstr("2016-07-11T13:47:00Z  1m"));
  EXPECT_THAT(text, Not(HasSubstr("2016-07-11T13:46:00Z  1m")));
  EXPECT_THAT(text, HasSubstr("10 final: on average 190.0 users"));
  EXPECT_THAT(text, HasSubstr("peak 1,000 users at 2016-07-11T13:39:00Z"));
}

}  // namespace
}  // namespace millrace
