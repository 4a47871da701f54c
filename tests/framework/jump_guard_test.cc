#include "millrace/framework/jump_guard.h"

#include <gtest/gtest.h>

#include <vector>

#include "millrace/framework/record_info.h"

namespace millrace {
namespace {

using Verdict = JumpGuard::Verdict;

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kTime = 100 * kHour;
const JumpGuard kGuard(kHour);

Verdict judge(const std::vector<std::int64_t>& successors, bool at_end = false) {
  return kGuard.judge(kTime, successors, at_end);
}

TEST(JumpGuard, BelievesWhatIsAtMostTheGuardAhead) {
  EXPECT_TRUE(kGuard.plausible(kTime + kHour, kTime, -1));
  EXPECT_FALSE(kGuard.plausible(kTime + kHour + 1, kTime, -1));
  EXPECT_TRUE(kGuard.plausible(kTime - 1000 * kHour, kTime, -1));
}

TEST(JumpGuard, DoesNotBelieveTheFirstRecordUnseen) {
  EXPECT_FALSE(kGuard.plausible(kTime, kNoTime, -1));
}

TEST(JumpGuard, BelievesAJumpThatAgreesWithItsKafkaTimestamp) {
  EXPECT_TRUE(kGuard.plausible(kTime, kNoTime, kTime + kHour));
  EXPECT_TRUE(kGuard.plausible(kTime, kNoTime, kTime - kHour));
  EXPECT_FALSE(kGuard.plausible(kTime, kNoTime, kTime + kHour + 1));
  EXPECT_FALSE(kGuard.plausible(kTime, kNoTime, kTime - kHour - 1));
}

TEST(JumpGuard, RefusesWhenTwoSuccessorsFellBack) {
  EXPECT_EQ(judge({0, 0}), Verdict::kRefuse);
  EXPECT_EQ(judge({kTime, kTime, 0, kTime, 0}), Verdict::kRefuse);
}

TEST(JumpGuard, WaitsForSevenSuccessors) {
  EXPECT_EQ(judge({}), Verdict::kWait);
  EXPECT_EQ(judge({0, kTime, kTime, kTime, kTime, kTime}), Verdict::kWait);
  EXPECT_EQ(judge({0, kTime, kTime, kTime, kTime, kTime, kTime}), Verdict::kAccept);
}

TEST(JumpGuard, CountsAsFallenOnlyWhatIsMoreThanTheGuardBelow) {
  EXPECT_EQ(judge({kTime - kHour, kTime - kHour}, true), Verdict::kAccept);
  EXPECT_EQ(judge({kTime - kHour - 1, kTime - kHour - 1}, true), Verdict::kRefuse);
}

TEST(JumpGuard, AtTheEndAcceptsOnlyWithTwoSuccessorsOfWhichNoneFell) {
  EXPECT_EQ(judge({}, true), Verdict::kRefuse);
  EXPECT_EQ(judge({kTime}, true), Verdict::kRefuse);
  EXPECT_EQ(judge({kTime, kTime}, true), Verdict::kAccept);
  EXPECT_EQ(judge({kTime, 0, kTime}, true), Verdict::kRefuse);
}

TEST(JumpGuard, OffBelievesEverything) {
  const JumpGuard off;
  EXPECT_TRUE(off.plausible(kTime, kNoTime, -1));
  EXPECT_EQ(off.judge(kTime, {}, false), Verdict::kAccept);
}

}  // namespace
}  // namespace millrace
