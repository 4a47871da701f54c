#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/application_config.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/instance_directory.h"
#include "millrace/framework/log.h"
#include "millrace/framework/run_counters.h"
#include "millrace/framework/status.h"
#include "millrace/framework/store_view.h"
#include "millrace/framework/stream_thread.h"
#include "millrace/framework/task_state.h"
#include "millrace/framework/topology.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {

/// A record that a test puts into an input topic.
struct InputRecord {
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> value = std::nullopt;
  std::int32_t partition = 0;
  std::optional<std::int64_t> timestamp_ms = std::nullopt;  ///< Kafka timestamp; none: now
};

/// A record that a topology has committed to a topic.
struct OutputRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, std::string>> headers;

  bool operator==(const OutputRecord&) const = default;
};

/// Runs a topology for tests: the real stream threads and tasks, on an embedded broker in memory,
/// stepped on the calling thread under a clock that the test moves. No thread, no socket, no file.
///
///     TopologyTestDriver driver({.topology = *unique_users(options),
///                                .config = {.until_end = true},
///                                .partitions = {{"frames", 2}}});
///     driver.pipe_input("frames", {.value = R"({"ts":1468244385,"uid":"a"})", .partition = 1});
///     driver.run_until_idle();
///     ASSERT_TRUE(driver.status().ok()) << driver.status().message();
///     EXPECT_THAT(driver.values("unique-users"), ElementsAre(...));
///
/// The first instance starts with the first call that lets something run: input that is piped
/// before is there when it starts. Several instances share the partitions as separate processes
/// would; each keeps its state in memory, so one that comes after a crash restores from changelogs.
/// One thread. Calls never throw; what goes wrong is kept: see status().
class TopologyTestDriver {
 public:
  struct Options {
    Topology topology;
    /// `threads` of it holds for every instance. Empty names get defaults: the topology's name,
    /// "instance-1".
    ApplicationConfig config = {};
    /// Of each input topic; those not named have one.
    std::map<std::string, std::int32_t> partitions = {};
    std::int64_t start_wall_ms = ManualClock::kStartMs;
    /// Empty: state in memory.
    TaskStateFactory state_factory = {};
    /// Puts something between the application and the broker, such as faults; empty: nothing.
    std::function<std::unique_ptr<Broker>(Broker&)> wrap_broker = {};
    LogSink* log = nullptr;  ///< borrowed; null: none
    /// The state of one instance, by its id, where each has its own, such as a disk; empty:
    /// `state_factory` for all.
    std::function<TaskStateFactory(const std::string& id)> instance_state = {};
    /// Topics with settings of their own, made before anything runs: internal ones, too.
    std::vector<TopicSpec> topics = {};
    /// Changelogs are compacted when they have grown by this; 0: as the embedded broker does.
    std::size_t compaction_floor_bytes = 0;
  };

  explicit TopologyTestDriver(Options options);
  ~TopologyTestDriver();
  TopologyTestDriver(const TopologyTestDriver&) = delete;
  TopologyTestDriver& operator=(const TopologyTestDriver&) = delete;

  /// Appends a record to an input topic. It is there at once; nothing reads it yet.
  void pipe_input(const std::string& topic, const InputRecord& record);
  /// Lets time pass while nothing runs, as if all instances slept: for longer than the session
  /// time-out, and they have fallen out of the group.
  void advance(std::chrono::milliseconds time) { clock_.advance(time); }
  /// Runs all threads in turns until nothing happens any more. So that commits become due, a few
  /// commit intervals (at least 100 ms each) pass. An error, or 100,000 rounds, end it: see
  /// status().
  void run_until_idle();
  /// Lets time pass while all threads run; then run_until_idle().
  void run_for(std::chrono::milliseconds time);

  /// All that is committed in a topic so far (read_committed), by partition and offset.
  std::vector<OutputRecord> read_output(const std::string& topic) const;
  /// Their values; a null value is "".
  std::vector<std::string> values(const std::string& topic) const;

  /// A store of the first instance, for query() of operators/query.h: what is committed.
  Result<StoreView> store(std::string_view name) const;
  /// Nobody says where it answers.
  std::map<TaskId, TaskOwner> owners() const { return {}; }

  /// The first error of a thread or of a call; OK if none. The instance that failed is gone.
  const Status& status() const { return status_; }
  /// Every instance has left at the end of a bounded run.
  bool ended() const;
  /// What the application has committed for all partitions.
  RunCounters counters() const;

  // --- several instances

  /// Starts another instance, with a state of its own. With the id of a crashed one: its restart.
  /// False if it could not start: because a transaction of a predecessor is still pending, then let
  /// time pass and call again; or see status().
  bool add_instance(const std::string& id);
  /// Ends an instance in an orderly way: it commits and leaves the group.
  void stop_instance(const std::string& id);
  /// Ends an instance as kill -9 does: nothing is committed or aborted, and it stays a member until
  /// its session times out.
  void crash_instance(const std::string& id);
  /// Those that run, in the order of their start.
  std::vector<std::string> instances() const;
  /// What a thread of an instance last published; null: it does not run.
  std::shared_ptr<const ThreadStatus> published(const std::string& instance, int thread = 0) const;
  /// One turn of one thread of an instance. False if nothing happened.
  bool turn(const std::string& instance, int thread = 0);
  /// A bystander joins the group and leaves again: every transaction in flight is aborted.
  void disturb();

  ManualClock& clock() { return clock_; }
  /// The broker, behind no wrapper.
  Broker& broker() const { return *broker_; }
  const ApplicationConfig& config() const { return options_.config; }

 private:
  struct Instance;

  void begin();
  bool turn(Instance& instance, std::size_t thread);
  bool turn_all();
  bool run_rounds();
  void drop_finished();
  Instance* find(const std::string& id);
  void fail(Status status);

  Options options_;
  ManualClock clock_;
  Status status_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Broker> wrapped_;
  std::unique_ptr<Producer> input_;
  bool begun_ = false;
  bool any_finished_ = false;
  std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace millrace
