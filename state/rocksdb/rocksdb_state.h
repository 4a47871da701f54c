#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"
#include "millrace/framework/memory_owner.h"
#include "millrace/framework/task_state.h"

namespace millrace {

struct RocksdbBackend;

struct RocksdbStateOptions {
  std::string directory;  ///< state of task T of application A lies in <directory>/A/T
  /// Budget of all tasks of the process together: block cache, filters and write buffers; up to
  /// half of it goes to operators for what they keep beside stores. At least 16 MiB make sense.
  std::size_t memory_bytes = std::size_t{256} << 20;
  /// `delete.retention.ms` of the changelogs. Local data that was complete more than half of it ago
  /// may have missed tombstones: it is dropped and restored.
  std::chrono::milliseconds delete_retention = kChangelogDeleteRetention;
  const Clock& clock;
  LogSink& log;  ///< also takes RocksDB's own warnings
};

/// Durable task state: one RocksDB per task, one column family per store, one memory budget for all
/// of the process.
///
/// Writes go through the write-ahead log without fsync: after a crash of the process the last
/// commit is there; after a power loss an earlier one is, and the changelog has the rest. Must
/// outlive the states that its factory makes. Thread-safe; a state belongs to one thread.
///
/// All errors are kFailed and name the directory and the remedy, except kRetry: another thread of
/// this process has not let go of the task yet.
class RocksdbState {
 public:
  explicit RocksdbState(const RocksdbStateOptions& options);
  ~RocksdbState();
  RocksdbState(const RocksdbState&) = delete;
  RocksdbState& operator=(const RocksdbState&) = delete;

  /// Takes the application's directory for this process, so that trouble with it shows at start.
  /// The factory does the same if it was not done. kFailed: another process has it, it holds the
  /// state of another topology, or it cannot be written.
  Status claim(const std::string& application_id, const std::string& topology_fingerprint);
  TaskStateFactory factory();
  /// What the tasks of the process hold within the budget.
  MemoryUsage memory() const;

 private:
  std::unique_ptr<RocksdbBackend> backend_;
};

}  // namespace millrace
