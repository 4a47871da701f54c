#include "millrace/framework/memory_budget.h"

#include <gtest/gtest.h>

#include <optional>

namespace millrace {
namespace {

constexpr std::size_t kNoLimit = MemoryBudget::kNoLimit;

TEST(MemoryBudget, LetsOneHolderHaveAllOfIt) {
  MemoryBudget budget(800);
  MemoryBudget::Share one(&budget);
  MemoryBudget::Share other(&budget);
  EXPECT_EQ(one.hold(700), kNoLimit);
  EXPECT_EQ(other.hold(100), kNoLimit);
}

TEST(MemoryBudget, LeavesEachItsEqualPart) {
  MemoryBudget budget(800);
  MemoryBudget::Share one(&budget);
  MemoryBudget::Share other(&budget);
  one.hold(700);
  EXPECT_EQ(other.hold(101), 350u) << "half of seven eighths";
  EXPECT_EQ(one.hold(700), 599u) << "what the other leaves is more";
  EXPECT_EQ(one.hold(599), kNoLimit);
}

TEST(MemoryBudget, GetsBackWhatAShareHeldAtItsEnd) {
  std::size_t held = 0;
  MemoryBudget budget(100, [&](std::size_t now) { held = now; });
  std::optional<MemoryBudget::Share> one(std::in_place, &budget);
  one->hold(90);
  EXPECT_EQ(held, 90u);
  MemoryBudget::Share moved;
  moved = std::move(*one);
  one.reset();
  EXPECT_EQ(held, 90u);
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
