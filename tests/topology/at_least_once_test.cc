#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "millrace/millrace.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::ElementsAre;

using Point = Faults::Point;
using Fault = Faults::Fault;

struct Visit {
  std::chrono::sys_seconds time;
  std::string_view user;
};

/// "<users> of <frames>".
struct Row {
  using value_type = WindowStats;
  void encode(const WindowStats& stats, std::string& out) const {
    out += fmt::format("{} of {}", stats.users, stats.frames);
  }
  std::string describe() const { return "row"; }
};

Topology minute_users() {
  TopologyBuilder topology{"test"};
  topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
      event_time(&Visit::time, lateness(5s), no_jump_guard()) | windows({tumbling(60s)}) |
      distinct_count("users", &Visit::user) | to("out", Row());
  return *topology.build();
}

class AtLeastOnce : public testing::Test {
 protected:
  void set_up(Topology topology, ApplicationConfig config) {
    config.guarantee = Guarantee::kAtLeastOnce;
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = std::move(topology), .config = config, .wrap_broker = [this](Broker& broker) {
          return std::make_unique<FaultyBroker>(broker, faults_);
        }});
  }
  void visit(std::int64_t second, const char* user) {
    driver_->pipe_input(
        "in", {.value = fmt::format(R"({{"ts":{},"uid":"{}"}})", 1'468'244'400 + second, user)});
  }
  std::int64_t end_of(const std::string& topic) const {
    const TopicPartition partition{topic, 0};
    const auto end = driver_->broker().admin().list_offsets({&partition, 1}, OffsetSpec::kLatest);
    return end.ok() ? end->front() : 0;
  }

  Faults faults_;
  std::unique_ptr<TopologyTestDriver> driver_;
};

/// Its state is dropped in the commit that emits it. Some of its input comes again; that must not
/// be taken for all of it.
TEST_F(AtLeastOnce, AWindowThatWasEmittedAndDroppedIsNotOpenedAgain) {
  set_up(minute_users(), {});
  visit(1, "a");
  driver_->run_until_idle();
  visit(2, "b");
  visit(100, "c");
  faults_.at = [&](Point point) {
    return point == Point::kBeforeCommit && end_of("out") > 0 ? Fault::kKill : Fault::kNone;
  };
  EXPECT_THROW(driver_->run_until_idle(), Killed);
  EXPECT_THAT(driver_->values("out"), ElementsAre("2 of 2"));
  faults_.at = [](Point) { return Fault::kNone; };
  driver_->crash_instance("instance-1");
  driver_->advance(30s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  driver_->run_until_idle();
  visit(200, "d");
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  // The other window is still open when its frame comes again.
  EXPECT_THAT(driver_->values("out"), ElementsAre("2 of 2", "1 of 2"));
}

/// Else a crash between both would leave a state that says that the result is out.
TEST_F(AtLeastOnce, ResultsAreDeliveredBeforeTheStateThatKnowsOfThem) {
  TopologyBuilder topology{"test"};
  topology.source("in", text()) | count("counts") |
      map([](const Keyed<std::string, std::int64_t>& each) { return each.value; }) |
      to("out", decimal_integer());
  set_up(*topology.build(), {});
  driver_->pipe_input("in", {.key = "a", .value = "x"});
  int flushes = 0;
  faults_.at = [&](Point point) {
    if (point != Point::kFlush) return Fault::kNone;
    ++flushes;
    EXPECT_TRUE(end_of("test-counts-changelog") == 0 || end_of("out") > 0);
    return Fault::kNothing;  // what was sent last is served first
  };
  driver_->run_until_idle();
  EXPECT_GT(flushes, 1);
  EXPECT_EQ(end_of("test-counts-changelog"), 1);
  EXPECT_EQ(end_of("out"), 1);
}

}  // namespace
}  // namespace millrace
