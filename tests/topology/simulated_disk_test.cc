#include "millrace/tests/kit/simulated_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""h;

class IgnoredChangelog final : public ChangelogWriter {
 public:
  Status write(std::string_view, std::string_view, std::string_view) override { return {}; }
};

class SimulatedDiskTest : public testing::Test {
 protected:
  std::unique_ptr<TaskState> open() { return std::move(*disk_.factory()(options_)); }
  /// A commit that puts one value and ends the changelog at `position`.
  Status commit(TaskState& state, std::string_view value, std::int64_t position) {
    state.store("users").put("key", value);
    IgnoredChangelog changelog;
    MILLRACE_RETURN_IF_ERROR(state.prepare(changelog));
    return state.apply(std::vector{position});
  }
  static std::optional<std::string> read(TaskState& state) {
    const auto value = state.store("users").get("key");
    return value ? std::optional<std::string>(*value) : std::nullopt;
  }

  ManualClock clock_;
  bool dies_ = false;
  SimulatedDisk disk_{{.clock = clock_, .before_write = [this] {
                         if (dies_) throw Killed{};
                       }}};
  TaskStateOptions options_{"test", "1_0", "", {"users"}};
};

TEST_F(SimulatedDiskTest, KeepsWhatIsWrittenAndItsPosition) {
  ASSERT_TRUE(commit(*open(), "one", 7).ok());
  const auto state = open();
  EXPECT_EQ(read(*state), "one");
  EXPECT_EQ(state->changelog_position("users"), 7);
}

TEST_F(SimulatedDiskTest, LosesTheOverlay) {
  {
    const auto state = open();
    ASSERT_TRUE(commit(*state, "one", 7).ok());
    state->store("users").put("key", "two");
    IgnoredChangelog changelog;
    ASSERT_TRUE(state->prepare(changelog).ok());
  }
  EXPECT_EQ(read(*open()), "one");
}

TEST_F(SimulatedDiskTest, StaysBehindWhenTheProcessDiesBeforeTheWrite) {
  ASSERT_TRUE(commit(*open(), "one", 7).ok());
  dies_ = true;
  EXPECT_THROW(static_cast<void>(commit(*open(), "two", 9)), Killed);
  const auto state = open();
  EXPECT_EQ(read(*state), "one");
  EXPECT_EQ(state->changelog_position("users"), 7);
}

TEST_F(SimulatedDiskTest, IsOpenOnceAtATime) {
  auto state = open();
  EXPECT_EQ(disk_.factory()(options_).status().code(), StatusCode::kRetry);
  state.reset();
  EXPECT_TRUE(disk_.factory()(options_).ok());
}

TEST_F(SimulatedDiskTest, IsNotUsedWhenItMayHaveMissedTombstones) {
  ASSERT_TRUE(commit(*open(), "one", 7).ok());
  clock_.advance(13h);
  const auto state = open();
  EXPECT_EQ(read(*state), std::nullopt);
  EXPECT_EQ(state->changelog_position("users"), 0);
}

TEST_F(SimulatedDiskTest, ComesBackAsItWas) {
  ASSERT_TRUE(commit(*open(), "one", 7).ok());
  disk_.keep_copy();
  ASSERT_TRUE(commit(*open(), "two", 9).ok());
  disk_.put_copy_back();
  EXPECT_EQ(read(*open()), "one");
  disk_.lose();
  EXPECT_EQ(read(*open()), std::nullopt);
}

}  // namespace
}  // namespace millrace
