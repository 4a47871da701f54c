#include "millrace/framework/source_table.h"

#include <gtest/gtest.h>

#include "millrace/state/memory_task_state.h"

namespace millrace {
namespace {

constexpr auto kActive = SourceStatus::kActive;
constexpr auto kIdle = SourceStatus::kIdle;
constexpr auto kEnded = SourceStatus::kEnded;

class SourceTableTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = memory_task_state({"app", "1_0", "", {"users"}});
    ASSERT_TRUE(made.ok());
    state_ = std::move(*made);
  }
  SourceTable table(SourceTable::Words words = SourceTable::Words::kWatermarks) {
    return {state_->store("users"), words};
  }
  static SourceWord word(std::int32_t source, std::int64_t watermark_ms, SourceStatus status,
                         std::uint32_t run = 1) {
    return {source, 2, run, watermark_ms, status, watermark_ms};
  }
  std::unique_ptr<TaskState> state_;
};

TEST_F(SourceTableTest, IsHeldBackByASourceNotHeardOf) {
  SourceTable sources = table();
  EXPECT_FALSE(sources.complete());
  sources.hear(word(0, 100, kActive));
  EXPECT_FALSE(sources.complete());
  EXPECT_EQ(sources.level(1000, 5).closes, kNoTime);
  EXPECT_EQ(sources.settled(), kNoTime);
  sources.hear(word(1, 50, kActive));
  EXPECT_TRUE(sources.complete());
  EXPECT_EQ(sources.level(1000, 5).closes, 50);
  EXPECT_EQ(sources.settled(), 50);
  EXPECT_EQ(sources.highest_watermark(), 100);
}

TEST_F(SourceTableTest, PassesOverAnIdleSourceButNotExactly) {
  SourceTable sources = table();
  sources.hear(word(0, 100, kActive));
  sources.hear(word(1, 50, kIdle));
  EXPECT_EQ(sources.level(1000, 5).closes, 100);
  EXPECT_EQ(sources.level(1000, 5).exact, 50);
  EXPECT_EQ(sources.settled(), 50);
  EXPECT_EQ(sources.status(), kActive);
}

TEST_F(SourceTableTest, FollowsTheWallClockWhenAllAreIdle) {
  SourceTable sources = table();
  sources.hear(word(0, 100, kIdle));
  sources.hear(word(1, 50, kIdle));
  EXPECT_EQ(sources.status(), kIdle);
  EXPECT_EQ(sources.level(1000, 5).closes, 995);
  EXPECT_EQ(sources.level(20, 5).closes, 50);
}

TEST_F(SourceTableTest, IsHeldBackByNothingWhenAllHaveEnded) {
  SourceTable sources = table();
  sources.hear(word(0, 100, kEnded));
  sources.hear(word(1, 50, kActive));
  EXPECT_EQ(sources.level(1000, 5).closes, 50);
  EXPECT_EQ(sources.level(1000, 5).exact, 50);
  sources.hear(word(1, 60, kEnded));
  EXPECT_EQ(sources.level(1000, 5).closes, kEndOfTime);
  EXPECT_EQ(sources.level(1000, 5).exact, kEndOfTime);
  EXPECT_EQ(sources.status(), kEnded);
}

TEST_F(SourceTableTest, ForgetsTheStatusOfAnOlderRunButNotItsWatermark) {
  SourceTable sources = table();
  sources.hear(word(0, 100, kEnded, 1));
  sources.hear(word(1, 50, kEnded, 1));
  sources.hear(word(0, 100, kActive, 2));
  EXPECT_EQ(sources.run(), 2u);
  EXPECT_FALSE(sources.complete());
  EXPECT_EQ(sources.status(), kActive);
  EXPECT_EQ(sources.settled(), 50);
}

TEST_F(SourceTableTest, LivesInTheStoreAndGoesBackWithIt) {
  SourceTable sources = table();
  sources.hear(word(0, 100, kActive));
  const std::int64_t position = 0;
  ASSERT_TRUE(state_->apply({&position, 1}).ok());
  sources.hear(word(0, 200, kIdle));
  sources.hear(word(1, 70, kIdle));
  state_->discard();
  sources.reload();
  EXPECT_FALSE(sources.complete());
  EXPECT_EQ(sources.highest_watermark(), 100);
  EXPECT_EQ(table().highest_watermark(), 100);
}

TEST_F(SourceTableTest, TakesLevelsOfShardsAsTheyAre) {
  SourceTable sources = table(SourceTable::Words::kLevels);
  sources.hear({0, 2, 1, 100, kIdle, 40});
  sources.hear({1, 2, 1, 80, kEnded, 30});
  EXPECT_EQ(sources.level(1000, 5).closes, 995);
  EXPECT_EQ(sources.level(1000, 5).exact, 100);
  EXPECT_EQ(sources.settled(), 30);
  sources.hear({0, 2, 1, 90, kActive, 40});  // the latest counts, also when it falls
  EXPECT_EQ(sources.level(1000, 5).closes, 90);
}

}  // namespace
}  // namespace millrace
