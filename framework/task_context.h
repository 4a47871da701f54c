#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/check.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/collector.h"
#include "millrace/framework/deployment.h"
#include "millrace/framework/edge.h"
#include "millrace/framework/graph.h"
#include "millrace/framework/log.h"
#include "millrace/framework/node_meter.h"
#include "millrace/framework/record_batch.h"
#include "millrace/framework/run_counters.h"
#include "millrace/framework/source_partition.h"
#include "millrace/framework/source_table.h"
#include "millrace/framework/task_state.h"

namespace millrace {

/// A node that holds results back decides with its task what is told downstream about time.
class TimeKeeper {
 public:
  virtual ~TimeKeeper() = default;
  /// Lowers the level and the settled time of `word` to what this node has really sent.
  virtual void limit(SourceWord& word) const = 0;
  /// Something that is due has not been emitted yet.
  virtual bool behind() const = 0;
};

/// The batch under work, and those whose records nodes still hold back. One thread.
class Batches {
 public:
  /// An empty batch to work on: the last one, or another if that is held. Who holds batches gets
  /// them with bytes of their own, so that what is held is all the memory it takes.
  RecordBatch& next();
  RecordBatch& current() { return *current_; }
  /// Keeps the current batch with all its views until the holder lets go.
  std::shared_ptr<RecordBatch> hold() {
    held_ = true;
    return current_;
  }
  /// Memory that all of them take, beside what they borrow.
  std::size_t reserved_bytes() const;

 private:
  bool held_ = false;
  std::vector<std::shared_ptr<RecordBatch>> all_{std::make_shared<RecordBatch>()};
  std::shared_ptr<RecordBatch> current_ = all_.front();
};

/// What a task offers its nodes: time, stores, outputs, edges. Lives as long as the task. One
/// thread.
class TaskContext {
 public:
  struct Parts {
    const Clock& clock;
    LogSink& log;
    Collector& collector;
    const std::string& application_id;
    const Deployment& deployment;
    std::int32_t partition;
    int edges;
    std::int64_t idle_after_ms = -1;  ///< negative: never idle
    Guarantee guarantee = Guarantee::kExactlyOnce;
  };
  explicit TaskContext(const Parts& parts)
      : parts_(parts),
        edges_(static_cast<std::size_t>(parts.edges), nullptr),
        meter_(parts.clock, parts.collector) {}

  const Clock& clock() const { return parts_.clock; }
  LogSink& log() const { return parts_.log; }
  Collector& collector() const { return parts_.collector; }
  const std::string& application_id() const { return parts_.application_id; }
  std::int32_t partition() const { return parts_.partition; }  ///< the task's number
  /// Input may come again whose effect the state holds already.
  bool repeats_input() const { return parts_.guarantee == Guarantee::kAtLeastOnce; }
  std::string resolve(const TopicName& topic) const { return topic.resolve(parts_.application_id); }
  std::int32_t partitions(const TopicName& topic) const {
    return parts_.deployment.partitions.at(resolve(topic));
  }
  /// Memory that lives until the end of the turn.
  Arena& scratch() { return scratch_; }
  RunCounters& counters() { return counters_; }
  NodeMeter& meter() { return meter_; }

  template <class T>
  Edge<T>& edge(EdgeId<T> id) const {
    void* const found = edges_.at(static_cast<std::size_t>(id.index));
    MILLRACE_CHECK(found != nullptr, "nodes are opened from sinks to sources");
    return *static_cast<Edge<T>*>(found);  // provide() with the same typed id put it there
  }
  template <class T>
  void provide(EdgeId<T> id, Edge<T>& edge) {
    edges_.at(static_cast<std::size_t>(id.index)) = &edge;
  }

  /// How long the topic keeps records by their timestamp; negative: it does not delete by age.
  std::int64_t retention_ms(const TopicName& topic) const {
    const auto found = parts_.deployment.retention_ms.find(resolve(topic));
    return found == parts_.deployment.retention_ms.end() ? -1 : found->second;
  }

  KeyValueStore& store(std::string_view name) const { return state->store(name); }
  LocalTable& local_table(std::string_view store) const { return state->local_table(store); }
  /// An operator's part of the memory that the process has for what is kept beside stores.
  MemoryBudget::Share memory_share(MemoryUse use) const {
    return {state ? state->memory_budget() : nullptr, use};
  }
  /// The source partition of this topic in this task.
  SourcePartition& source(const TopicName& topic) const;
  /// What is known of the time of this task's sources: those of the repartition topic that it
  /// reads, else its own partitions as they stood at the last flush.
  const SourceTable& sources() const { return table ? *table : own_sources; }
  /// Event time below which no record is accepted any more by any source of this task.
  std::int64_t watermark_ms() const;
  void keep_time(TimeKeeper& keeper) { keepers.push_back(&keeper); }
  void count_late_windows(std::size_t definitions) {
    if (counters_.late_by_window.size() < definitions) counters_.late_by_window.resize(definitions);
  }

  /// The source record under work, on which an exception of a user's function is blamed: its
  /// offset, and, behind an inner edge, the index of its source partition.
  std::int64_t offset_under_work = 0;
  std::int32_t source_under_work = 0;
  /// The record itself, in the chain of its source.
  const RecordView* record_under_work = nullptr;

  Batches& batches() { return batches_; }
  /// Active, idle or ended, as the source's own partition or its task upstream says.
  SourceStatus status_of(const SourcePartition& source) const {
    return source.status(parts_.clock.monotonic_ms(), parts_.idle_after_ms);
  }
  /// An operator holds more memory than it may, and cannot give it back before a commit: that comes
  /// soon. The commit clears it.
  bool wants_commit = false;

  // Filled by the task.
  std::unique_ptr<TaskState> state;
  std::unique_ptr<SourceTable> table;  ///< null in a task that reads no repartition topic
  SourceTable own_sources;
  std::vector<std::unique_ptr<SourcePartition>> source_partitions;
  std::vector<TimeKeeper*> keepers;

 private:
  Parts parts_;
  std::vector<void*> edges_;
  NodeMeter meter_;
  Arena scratch_;
  Batches batches_;
  RunCounters counters_;
};

}  // namespace millrace
