#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/committed_store.h"
#include "millrace/framework/node_work.h"
#include "millrace/framework/record.h"
#include "millrace/framework/run_counters.h"
#include "millrace/framework/source_status.h"

/// What a stream thread publishes of its tasks: plain copies, for people and for metrics, and their
/// committed stores.
namespace millrace {

struct TaskId {
  int sub_topology = 0;
  std::int32_t partition = 0;
  auto operator<=>(const TaskId&) const = default;
  std::string text() const;  ///< "0_3"
};

/// The life of a task, in this order; anything that fails may send it back to the first.
enum class TaskPhase {
  kOffsets,  ///< waits for the committed offsets, which a predecessor's transaction may hold back
  kRestore,  ///< reads its changelogs
  kRunning,
};

std::string_view to_string(TaskPhase phase);

/// One input partition of a task that runs.
struct PartitionStatus {
  TopicPartition partition;
  std::int64_t position = 0;            ///< offset of the next record to read
  std::int64_t committed = 0;           ///< of the next one to read after a restart
  std::int64_t high_watermark = -1;     ///< end of the log; -1: not known
  std::int64_t highest_ms = kNoTime;    ///< highest accepted event time
  std::int64_t watermark_ms = kNoTime;  ///< the same minus the lateness
  SourceStatus status = SourceStatus::kActive;
  bool told = false;               ///< the status is what the task upstream says of itself
  bool stalled = false;            ///< there are records, but none come
  std::size_t waiting_bytes = 0;   ///< records that wait until others confirm their event time
  std::size_t held_bytes = 0;      ///< records that an ordered merge holds back
  std::uint64_t read_records = 0;  ///< since the task is here, also what was read twice
  std::uint64_t read_bytes = 0;    ///< keys and values of these

  /// Records that are not processed and committed yet; none while the end is not known.
  std::optional<std::int64_t> lag() const {
    if (high_watermark < 0) return std::nullopt;
    return high_watermark > committed ? high_watermark - committed : 0;
  }
};

/// How far the restore of one store has come. Offsets are those of its changelog.
struct RestoreStatus {
  std::string store;
  std::int64_t begin = 0;
  std::int64_t position = 0;
  std::int64_t end = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::optional<std::int64_t> seconds_left;  ///< none while nothing can be told
};

/// One store of a task that runs.
struct StoreStatus {
  std::string store;
  std::uint64_t bytes = 0;  ///< on disk and in write buffers
};

/// One node of a task that runs.
struct NodeStatus {
  int node = 0;                        ///< index in Topology::nodes()
  std::vector<std::uint64_t> records;  ///< that came to its operators, see Node::count_records()
  NodeWork work;
};

struct TaskStatus {
  TaskId id;
  TaskPhase phase = TaskPhase::kOffsets;
  std::vector<RestoreStatus> restores;      ///< in phase kRestore
  std::vector<PartitionStatus> partitions;  ///< in phase kRunning
  std::vector<StoreStatus> stores;          ///< the same; only those whose size is known
  std::vector<NodeStatus> nodes;            ///< in phase kRunning
  RunCounters counters;                     ///< of its life, as committed; in phase kRunning
  CommittedStores committed = {};           ///< all of its stores; in phase kRunning
};

}  // namespace millrace
