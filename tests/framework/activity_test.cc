#include "millrace/framework/activity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;

TEST(ActivityClockTest, DividesTheTimeAmongActivities) {
  ManualClock clock;
  ActivityClock activity(clock);
  clock.advance(5ms);
  activity.enter(Activity::kCommitting);
  EXPECT_EQ(activity.current(), Activity::kCommitting);
  clock.advance(20ms);
  activity.enter(Activity::kWaiting);
  clock.advance(100ms);
  activity.enter(Activity::kCommitting);
  clock.advance(1ms);
  activity.enter(Activity::kGroup);
  clock.advance(7ms);  // not counted yet
  ActivityClock::Spent spent{};
  spent[static_cast<std::size_t>(Activity::kGroup)] = 5;
  spent[static_cast<std::size_t>(Activity::kCommitting)] = 21;
  spent[static_cast<std::size_t>(Activity::kWaiting)] = 100;
  EXPECT_EQ(activity.spent(), spent);
}

TEST(ActivityClockTest, ActivitiesHaveNames) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kActivities; ++i) names.insert(to_string(static_cast<Activity>(i)));
  EXPECT_EQ(names.size(), kActivities);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace millrace
