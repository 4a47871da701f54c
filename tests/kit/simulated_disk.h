#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "millrace/framework/clock.h"
#include "millrace/framework/task_state.h"

namespace millrace {

/// The disk of a simulated process: what its tasks' states have written outlives it.
///
/// As a state directory does: applied changes and the changelog position of each store survive a
/// crash, the overlay does not; a crash between the transaction's commit and the write leaves the
/// disk behind; a task's state is open once at a time; a directory that is too old to know of all
/// tombstones is not used. One thread; outlives the states that it made.
class SimulatedDisk {
 public:
  /// What is written of one store.
  struct Image {
    std::map<std::string, std::string, std::less<>> values;
    std::map<std::string, std::string, std::less<>> beside;  ///< the local table
    std::int64_t position = 0;  ///< where the changelog is to be read on
    /// Wall clock, taken before what was written was committed or read: all tombstones up to then
    /// are in.
    std::int64_t knows_until_ms = 0;
    std::uint64_t life = 0;  ///< of the task
  };
  struct Options {
    const Clock& clock;
    /// Older images are not used: half of the changelog's delete.retention.ms. Negative: all are.
    std::chrono::milliseconds usable_for{12LL * 3600 * 1000};
    /// For what the operators of its process hold beside stores; negative: without a limit.
    std::int64_t memory_bytes = -1;
    /// Called before the committed changes of a task are written; may throw to let the process die.
    std::function<void()> before_write = {};
    /// Called with what has been written.
    std::function<void(const std::string& store, const std::string& task, const Image& image)>
        written = {};
  };

  explicit SimulatedDisk(Options options) : options_(std::move(options)) {
    if (options_.memory_bytes >= 0)
      budget_.emplace(static_cast<std::size_t>(options_.memory_bytes));
  }
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  /// States on this disk, for TopologyTestDriver::Options::instance_state. kRetry while another
  /// thread of the process has the task's state open.
  TaskStateFactory factory();

  /// All is gone. REQUIRES: no state is open.
  void lose() { tasks_.clear(); }
  /// Keeps a copy of all there is now, and puts it back: a disk that is older than it should be.
  void keep_copy() { copy_ = tasks_; }
  /// REQUIRES: no state is open.
  void put_copy_back();

 private:
  class State;
  struct TaskImages {
    std::map<std::string, Image> stores;
    bool open = false;
  };

  Options options_;
  std::optional<MemoryBudget> budget_;
  MemoryBudget remembered_{16 *
                           1024};  // by stores, beyond a commit: little, so that it is forgotten
  std::map<std::string, TaskImages> tasks_;
  std::map<std::string, TaskImages> copy_;
};

}  // namespace millrace
