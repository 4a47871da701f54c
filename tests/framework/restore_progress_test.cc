#include "millrace/framework/restore_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/tests/line_log.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RestoreProgress, ShowsALineEveryFiveSecondsAndOneAtTheEnd) {
  LineLog log;
  RestoreProgress progress("0_1", "users", {"users-changelog", 1}, 1'000, 5'000, 100);
  progress.add(500, 10'000, 1'500, 5'099, log);
  EXPECT_THAT(log.lines, IsEmpty());
  progress.add(500, 10'000, 2'000, 5'100, log);
  progress.add(1'000, 20'000, 3'000, 6'000, log);
  EXPECT_THAT(log.lines, ElementsAre("restoring task=0_1 store=users topic=users-changelog "
                                     "partition=1 offset=2000 records=1000 bytes=20000 "
                                     "percent=25 seconds_left=15"));
  log.lines.clear();
  progress.add(2'000, 40'000, 5'000, 8'100, log);
  progress.finish(8'100, log);
  EXPECT_THAT(log.lines, ElementsAre("restored task=0_1 store=users topic=users-changelog "
                                     "partition=1 offset=5000 records=4000 bytes=80000 ms=8000"));
}

TEST(RestoreProgress, TellsHowFarItHasComeAtAnyTime) {
  RestoreProgress progress("0_1", "users", {"users-changelog", 1}, 1'000, 5'000, 100);
  RestoreStatus status = progress.status(200);
  EXPECT_EQ(status.store, "users");
  EXPECT_EQ(status.begin, 1'000);
  EXPECT_EQ(status.position, 1'000);
  EXPECT_EQ(status.end, 5'000);
  EXPECT_EQ(status.seconds_left, std::nullopt);
  progress.add(500, 10'000, 2'000, 2'000, null_log());
  status = progress.status(2'100);
  EXPECT_EQ(status.position, 2'000);
  EXPECT_EQ(status.records, 500u);
  EXPECT_EQ(status.bytes, 10'000u);
  EXPECT_EQ(status.seconds_left, 6);
}

TEST(RestoreProgress, SaysNothingOfAReadThatHasNotBegun) {
  LineLog log;
  RestoreProgress progress("0_1", "users", {"users-changelog", 1}, 1'000, 5'000, 0);
  progress.add(0, 0, 1'000, 60'000, log);
  progress.add(0, 0, 0, 120'000, log);
  EXPECT_THAT(log.lines, IsEmpty());
}

}  // namespace
}  // namespace millrace
