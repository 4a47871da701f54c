#include "millrace/framework/memory_budget.h"

#include <gtest/gtest.h>

#include <optional>

namespace millrace {
namespace {

constexpr std::size_t kNoLimit = MemoryBudget::kNoLimit;

TEST(MemoryBudget, LetsOneHolderHaveAllOfIt) {
  MemoryBudget budget(800);
  MemoryBudget::Share one(&budget, MemoryUse::kRepeated);
  MemoryBudget::Share other(&budget, MemoryUse::kRepeated);
  EXPECT_EQ(one.hold(700), kNoLimit);
  EXPECT_EQ(other.hold(100), kNoLimit);
}

TEST(MemoryBudget, LeavesEachItsEqualPart) {
  MemoryBudget budget(800);
  MemoryBudget::Share one(&budget, MemoryUse::kRepeated);
  MemoryBudget::Share other(&budget, MemoryUse::kRepeated);
  one.hold(700);
  EXPECT_EQ(other.hold(101), 350u) << "half of seven eighths";
  EXPECT_EQ(one.hold(700), 599u) << "what the other leaves is more";
  EXPECT_EQ(one.hold(599), kNoLimit);
}

TEST(MemoryBudget, LetsGoOfWhatCanBeRepeatedFirst) {
  MemoryBudget budget(800);
  MemoryBudget::Share kept(&budget, MemoryUse::kKept);
  MemoryBudget::Share repeated(&budget, MemoryUse::kRepeated);
  EXPECT_EQ(repeated.hold(800), kNoLimit);
  EXPECT_EQ(kept.hold(600), kNoLimit) << "it is not asked to go for the other";
  EXPECT_EQ(repeated.hold(800), 175u) << "seven eighths of what is left";
  EXPECT_EQ(repeated.hold(200), kNoLimit);
}

TEST(MemoryBudget, LeavesAnEighthToWhatCanBeRepeated) {
  MemoryBudget budget(800);
  MemoryBudget::Share kept(&budget, MemoryUse::kKept);
  MemoryBudget::Share repeated(&budget, MemoryUse::kRepeated);
  EXPECT_EQ(kept.hold(700), kNoLimit);
  EXPECT_EQ(repeated.hold(100), kNoLimit);
  EXPECT_LT(kept.hold(701), 700u);
  EXPECT_EQ(repeated.hold(100), kNoLimit);
  EXPECT_LT(repeated.hold(101), 100u);
}

TEST(MemoryBudget, GetsBackWhatAShareHeldAtItsEnd) {
  std::size_t held = 0;
  MemoryBudget budget(100, [&](std::size_t now) { held = now; });
  std::optional<MemoryBudget::Share> one(std::in_place, &budget, MemoryUse::kKept);
  one->hold(80);
  EXPECT_EQ(held, 80u);
  MemoryBudget::Share moved;
  moved = std::move(*one);
  one.reset();
  EXPECT_EQ(held, 80u);
  moved.hold(60);
  EXPECT_EQ(held, 60u);
  moved = MemoryBudget::Share();
  EXPECT_EQ(held, 0u);
}

TEST(MemoryBudget, OfNoneHasNoLimit) {
  MemoryBudget::Share share;
  EXPECT_EQ(share.hold(kNoLimit), kNoLimit);
}

}  // namespace
}  // namespace millrace
