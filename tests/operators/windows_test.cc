#include "millrace/operators/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<const WindowPlan> plan(std::vector<WindowDefinition> definitions,
                                       std::int64_t grace_ms = 0) {
  return std::make_shared<const WindowPlan>(WindowPlan::make(std::move(definitions), grace_ms));
}

TEST(WindowPlan, RollsUpFromTheLongestWindowThatDivides) {
  const WindowPlan made =
      WindowPlan::make({tumbling(60s), tumbling(600s), tumbling(86'400s), tumbling(420s)}, 0);
  EXPECT_THAT(made.parent, ElementsAre(-1, 0, 1, 0));
  EXPECT_THAT(made.children[0], ElementsAre(1, 3));
  EXPECT_THAT(made.children[1], ElementsAre(2));
}

TEST(WindowPlan, FormsAForestWhereNothingDividesEverything) {
  const WindowPlan made = WindowPlan::make({tumbling(420s), tumbling(600s), tumbling(4200s)}, 0);
  EXPECT_THAT(made.parent, ElementsAre(-1, -1, 1));
}

TEST(WindowPlan, RollsTheCalendarUpFromDays) {
  const WindowPlan made = WindowPlan::make(
      {tumbling(3600s), calendar_day(), calendar_week(), calendar_month(), calendar_year()}, 0);
  EXPECT_THAT(made.parent, ElementsAre(-1, 0, 1, 1, 3));
}

TEST(WindowAssigner, GivesNeighboursOneAssignment) {
  WindowAssigner assigner(plan({tumbling(60s)}));
  const WindowAssignment& first = assigner.assign(60'000, kNoTime);
  EXPECT_EQ(&assigner.assign(119'999, 60'000), &first);
  EXPECT_NE(&assigner.assign(120'000, 60'000), &first);
  EXPECT_EQ(&assigner.assign(61'000, 60'000), &first);
  ASSERT_EQ(first.open.size(), 1u);
  EXPECT_EQ(first.open[0].window, (Window{60'000, 120'000}));
}

TEST(WindowAssigner, ClosesAWindowWhenTheWatermarkReachesItsEndPlusGrace) {
  WindowAssigner assigner(plan({tumbling(60s), tumbling(600s)}, 30'000));
  EXPECT_THAT(assigner.assign(1000, 89'999).late, IsEmpty());
  const WindowAssignment& late = assigner.assign(1000, 90'000);
  EXPECT_THAT(late.late, ElementsAre(0));
  ASSERT_EQ(late.open.size(), 1u);
  EXPECT_EQ(late.open[0].definition, 1);
  EXPECT_THAT(assigner.assign(1000, 630'000).late, ElementsAre(0, 1));
  EXPECT_THAT(assigner.assign(1000, 630'000).open, IsEmpty());
}

TEST(WindowAssigner, AgreesWithTheDefinitionsEverywhere) {
  const auto definitions =
      std::vector{tumbling(60s), tumbling(420s), calendar_day(), calendar_month()};
  WindowAssigner assigner(plan(definitions, 5'000));
  std::uint64_t random = 7;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    const auto event_ms = static_cast<std::int64_t>(random >> 34);  // 198 days
    const auto watermark_ms =
        event_ms + static_cast<std::int64_t>(random >> 20 & 0xfffff) - 200'000;
    const WindowAssignment& assignment = assigner.assign(event_ms, watermark_ms);
    std::size_t open = 0;
    std::size_t late = 0;
    for (int d = 0; d < 4; ++d) {
      const Window window = definitions[static_cast<std::size_t>(d)].window_of(event_ms);
      if (window.end_ms + 5'000 <= watermark_ms) {
        ASSERT_LT(late, assignment.late.size());
        ASSERT_EQ(assignment.late[late++], d);
      } else {
        ASSERT_LT(open, assignment.open.size());
        ASSERT_EQ(assignment.open[open].definition, d);
        ASSERT_EQ(assignment.open[open++].window, window);
      }
    }
    ASSERT_EQ(open, assignment.open.size());
    ASSERT_EQ(late, assignment.late.size());
  }
}

}  // namespace
}  // namespace millrace
