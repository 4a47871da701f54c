#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/apps/unique_users/topology.h"
#include "millrace/state/memory_task_state.h"
#include "millrace/state/rocksdb/rocksdb_state.h"
#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/line_log.h"
#include "millrace/tests/temporary_directory.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::int64_t kMinute = 26'297'280;  // of Unix time: 2020-01-01T00:00Z

/// unique_users per minute, with its state in a directory that outlives the process.
class KeptState : public testing::Test {
 protected:
  KeptState() { new_broker(); }
  /// A broker without any topic but the input.
  void new_broker() {
    driver.reset();
    driver = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = *unique_users({}), .state_factory = state.factory(), .log = &log});
  }
  void frames(std::int64_t minute, std::initializer_list<const char*> users) {
    for (const char* user : users)
      driver->pipe_input("frames", {.value = R"({"ts":)" + std::to_string((kMinute + minute) * 60) +
                                             R"(,"uid":")" + user + R"("})"});
    driver->run_until_idle();
    ASSERT_TRUE(driver->status().ok()) << driver->status().message();
  }
  void restart() {
    ASSERT_TRUE(driver->add_instance("instance-1"));
    driver->run_until_idle();
    ASSERT_TRUE(driver->status().ok()) << driver->status().message();
  }

  TemporaryDirectory directory{memory_directory()};
  ManualClock clock;
  LineLog log;
  RocksdbState state{{.directory = directory.path(), .clock = clock, .log = log}};
  std::unique_ptr<TopologyTestDriver> driver;
};

TEST_F(KeptState, IsThereAfterARestartAndNeedsNoChangelog) {
  frames(0, {"a", "b", "a"});
  driver->stop_instance("instance-1");
  log.lines.clear();
  restart();
  EXPECT_THAT(log.lines, Not(Contains(AllOf(StartsWith("restored"), Not(HasSubstr("records=0"))))));
  frames(0, {"b", "c"});
  frames(2, {"z"});
  EXPECT_THAT(driver->values("unique-users"),
              ElementsAre(AllOf(HasSubstr("\"unique_users\":3"), HasSubstr("\"frames\":5"))));
}

TEST_F(KeptState, OfAFormerTopicStartsOverAndTheLogSaysSo) {
  for (int i = 0; i < 20; ++i) frames(0, {"a", "b"});
  new_broker();
  log.lines.clear();
  frames(0, {"c"});
  frames(2, {"z"});
  EXPECT_THAT(log.lines, Contains(AllOf(HasSubstr("from before the application was reset"),
                                        HasSubstr("store=users"))));
  EXPECT_THAT(driver->values("unique-users"),
              ElementsAre(AllOf(HasSubstr("\"unique_users\":1"), HasSubstr("\"frames\":1"))));
}

/// The directory of one machine is from before `millrace reset`, which was run on another one. The
/// new changelog has become longer than the former, so that its positions tell nothing.
TEST_F(KeptState, OfAFormerLifeIsNotTakenForTheNewOne) {
  frames(0, {"a", "b"});
  driver = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
      .topology = *unique_users({}),
      .config = {.instance_id = "elsewhere"},
      .log = &log,
      .instance_state = [this](const std::string& id) {
        return id == "elsewhere" ? TaskStateFactory(memory_task_state) : state.factory();
      }});
  for (int i = 0; i < 20; ++i) frames(0, {"c"});
  driver->stop_instance("elsewhere");
  log.lines.clear();
  restart();
  EXPECT_THAT(log.lines, Contains(HasSubstr("from before the application was reset")));
  frames(2, {"z"});
  EXPECT_THAT(driver->values("unique-users"),
              ElementsAre(AllOf(HasSubstr("\"unique_users\":1"), HasSubstr("\"frames\":20"))));
}

TEST_F(KeptState, ThatIsLostIsRestored) {
  frames(0, {"a", "b", "a"});
  driver->stop_instance("instance-1");
  for (const auto& task : std::filesystem::directory_iterator(directory.path() + "/unique-users"))
    if (task.is_directory()) std::filesystem::remove_all(task);
  log.lines.clear();
  restart();
  EXPECT_THAT(log.lines, Contains(AllOf(StartsWith("restored"), Not(HasSubstr("records=0")))));
  frames(0, {"b", "c"});
  frames(2, {"z"});
  EXPECT_THAT(driver->values("unique-users"),
              ElementsAre(AllOf(HasSubstr("\"unique_users\":3"), HasSubstr("\"frames\":5"))));
}

/// Offsets of a group without members expire; what was counted stays in the changelog.
TEST_F(KeptState, WithoutItsOffsetsIsNotCountedOnTopOf) {
  frames(0, {"a", "b"});
  driver->stop_instance("instance-1");
  ASSERT_TRUE(driver->broker().admin().delete_group("unique-users").ok());
  ASSERT_TRUE(driver->add_instance("instance-1"));
  driver->run_until_idle();
  EXPECT_EQ(driver->status().code(), StatusCode::kFailed);
  EXPECT_THAT(driver->status().message(),
              AllOf(HasSubstr("'unique-users'"), HasSubstr("offsets.retention.minutes"),
                    HasSubstr("millrace reset")));
}

/// In one process: the thread that loses a task may hold its state longer than the group says.
TEST_F(KeptState, MovesBetweenThreadsOfAProcess) {
  frames(0, {"a", "b", "a"});
  ASSERT_TRUE(driver->add_instance("instance-2"));
  driver->run_until_idle();
  driver->stop_instance("instance-1");
  driver->run_until_idle();
  frames(0, {"b", "c"});
  frames(2, {"z"});
  ASSERT_TRUE(driver->status().ok()) << driver->status().message();
  EXPECT_THAT(driver->values("unique-users"),
              ElementsAre(AllOf(HasSubstr("\"unique_users\":3"), HasSubstr("\"frames\":5"))));
}

}  // namespace
}  // namespace millrace
