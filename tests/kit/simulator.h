#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "millrace/framework/offset_metadata_format.h"
#include "millrace/tests/kit/dice.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/simulated_disk.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {

/// How likely what goes wrong is: after a turn of a process, or at a call that it makes.
struct FaultPlan {
  double crash = 0;     ///< a process dies between two turns, as by kill -9, and is restarted
  double leave = 0;     ///< it stops in an orderly way, and is restarted
  double sleep = 0;     ///< it stands still between two turns, perhaps past its session (a zombie)
  double nap = 0;       ///< it stands still within a call: at any step of the commit, in a fetch
  double disturb = 0;   ///< somebody joins the group and leaves again: a rebalance
  double fault = 0;     ///< a step of a commit fails or is the process's last; other calls seldomer
  double lost = 0;      ///< of the crashes: the disk is lost
  double old_copy = 0;  ///< of the crashes: the disk comes back as it was some time ago
  double leap = 0;      ///< the clock jumps by seconds to minutes; who is awake lives through it
  double wall = 0;      ///< somebody sets the wall clock on by hours
};

/// What a simulation has found.
struct SimulationFailure {
  std::string check;  ///< in a word or two: "history", "state", "end", "error"; or a user's own
  std::string text;
};

/// Plays instances of a topology on an embedded broker, all in the calling thread, under a clock
/// and a scheduler that a seed decides: they start, die at any step of a commit, leave, stand still
/// past their session, meet a broker that fails, and come back with or without their disk. The same
/// seed plays the same.
///
///     Simulator simulator({.driver = {.topology = topology, .config = {.until_end = true}},
///                          .seed = seed, .instances = 3, .faults = {.crash = .01, .fault = .05}});
///     for (int i = 0; i < 500; ++i) {
///       if (simulator.dice().chance(.1)) simulator.driver().pipe_input("in", {.value = "1"});
///       simulator.step();
///     }
///     simulator.settle();
///     ASSERT_FALSE(simulator.failure()) << simulator.failure()->text;
///     EXPECT_THAT(simulator.driver().values("out"), ...);  // each exactly once
///
/// It checks by itself that committed offsets, watermarks and runs never fall ("history"); that
/// what a disk holds is what the changelog holds up to the disk's position, so no state is ahead of
/// its commit ("state"); that no thread fails ("error"); and that a run without faults comes to its
/// end, a bounded one not before it has read what was there when it began ("end"). One thread.
class Simulator {
 public:
  struct Options {
    /// `instance_state`, `wrap_broker` and `log` of it are the simulator's own.
    TopologyTestDriver::Options driver;
    std::uint64_t seed = 0;
    int instances = 2;
    FaultPlan faults = {};
    bool keeps_state = true;  ///< a disk outlives its process
    /// See SimulatedDisk::Options.
    std::chrono::milliseconds state_usable_for{12LL * 3600 * 1000};
    /// State in a real place instead of the simulated disk: called at each start of a process, when
    /// nothing of its former start is in use; and when its disk is lost. Empty: simulated disks.
    std::function<TaskStateFactory(const std::string& id, const Clock& clock)> open_state = {};
    std::function<void(const std::string& id)> lose_state = {};
    /// See SimulatedDisk::Options; of each process.
    std::int64_t memory_bytes = -1;
    /// Called whenever time has passed: the place for input that comes by the clock.
    std::function<void()> tick = {};
    /// Takes a line for everything that happens; empty: nothing is written down.
    std::function<void(const std::string&)> trace = {};
  };

  explicit Simulator(Options options);
  ~Simulator();
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  /// One step with faults: time passes, and one of the processes gets a turn, unless it sleeps.
  void step();
  /// Time passes while every process that is awake gets turns: sessions live on.
  void pass(std::chrono::milliseconds time);
  /// No faults any more: everybody comes back and all that can happen happens. Returns when all
  /// have left at the end of a bounded run, or when nothing has happened for a minute.
  void settle();
  /// Processes that left at the end of a bounded run may start again: the next run.
  void next_run();

  Dice& dice() { return dice_; }
  TopologyTestDriver& driver() { return *driver_; }
  const TopologyTestDriver& driver() const { return *driver_; }
  /// Monotonic time: the wall clock may be set.
  std::int64_t now_ms() { return driver_->clock().monotonic_ms(); }

  const std::optional<SimulationFailure>& failure() const { return failure_; }
  /// Keeps the first failure; the simulation is over.
  void fail(std::string check, std::string text);

  /// What was committed last for a partition, and all that is known of its past.
  struct Committed {
    std::int64_t offset = 0;
    OffsetMetadata metadata;
    std::vector<std::int64_t> ends;  ///< end offsets of its bounded runs, in their order
    std::set<std::uint32_t> runs;
    std::map<std::uint32_t, std::int64_t> end_of_run;
  };
  const std::map<TopicPartition, Committed>& committed() const { return committed_; }

 private:
  struct Process;
  struct Changelog;
  class TraceLog;

  Faults::Fault choose(Faults::Point point);
  Faults::Fault choose_fault(Faults::Point point);
  void nap();
  bool start(Process& process);
  bool turn(Process& process, int thread);
  template <class Action>
  bool dies_in(Process& process, Action action);
  void crash(Process& process);
  void afflict(Process& process);
  void leave(Process& process);
  bool awake(const Process& process);
  void live_on();
  void note_commits();
  void note_ends();
  void check_ends();
  void check_image(const std::string& store, const std::string& task,
                   const SimulatedDisk::Image& image);
  void note(const std::string& what);

  Options options_;
  Dice dice_;
  Faults faults_;
  std::unique_ptr<TraceLog> log_;
  std::unique_ptr<TopologyTestDriver> driver_;
  std::deque<Process> processes_;  ///< outlive their instances: the driver's end is first
  Process* current_ = nullptr;     ///< whose turn it is
  bool settling_ = false;
  int naps_ = 0;
  std::uint64_t seen_commits_ = 0;
  std::map<TopicPartition, std::string> last_text_;
  std::map<TopicPartition, Committed> committed_;
  std::map<TopicPartition, Changelog> changelogs_;
  std::map<TopicPartition, std::int64_t> least_ends_;  ///< of the inputs, when the run began
  std::optional<SimulationFailure> failure_;
};

}  // namespace millrace
