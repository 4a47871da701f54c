#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/framework/application_config.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/deployment.h"
#include "millrace/framework/memory_owner.h"
#include "millrace/framework/restore_progress.h"
#include "millrace/framework/source_status.h"
#include "millrace/framework/task_context.h"
#include "millrace/framework/task_status.h"
#include "millrace/framework/topology.h"

namespace millrace {

/// What all tasks of a thread share. Outlives them.
struct TaskEnvironment {
  const Topology& topology;
  const ApplicationConfig& config;
  const Deployment& deployment;
  const Clock& clock;
  LogSink& log;
  Consumer& consumer;
  Admin& admin;
  Collector& collector;
  DeadLetters& dead_letters;
  std::vector<DurationHistogram>& ages;  ///< of records at their commit, by sub-topology
  const TaskStateFactory& state_factory;
};

/// One sub-topology on one partition number, or, where it gathers, on all: its nodes, sources and
/// state. One thread.
///
/// Life: take_over() until it says kRunning, in the order of design §6; then step()s; each commit
/// is flush(), prepare(), offsets(), and committed(); anything that fails is rewind().
class Task {
 public:
  Task(TaskId id, const TaskEnvironment& environment);
  ~Task();

  const TaskId& id() const { return id_; }

  enum class TakeOver { kGoingOn, kBlocked, kRunning, kLaterRun };
  /// One bounded turn of the take-over. kBlocked: it got no further, maybe because another's
  /// transaction is open. kLaterRun: a process of a later run owns this task's data; leave.
  Result<TakeOver> take_over();
  bool running() const { return phase_ == TaskPhase::kRunning; }
  /// What the take-over took so far.
  struct TakeOverCost {
    std::int64_t offsets_ms = 0;  ///< until the committed offsets were settled and read
    std::int64_t restore_ms = 0;  ///< from then until it ran
    std::int64_t records = 0;     ///< read from changelogs
  };
  const TakeOverCost& take_over_cost() const { return cost_; }

  bool gathers() const { return part_.gather.has_value(); }
  std::size_t source_count() const { return context_->source_partitions.size(); }
  const SourcePartition& source(std::size_t index) const {
    return *context_->source_partitions[index];
  }
  /// Reads a batch of one source and processes it. True if there was something.
  Result<bool> step(std::size_t source);

  /// Memory that changes of state take until the commit.
  std::size_t pending_bytes() const {
    return context_->state ? context_->state->pending_bytes() : 0;
  }
  /// It takes no more until a commit has freed memory.
  bool wants_commit() const { return context_->wants_commit; }
  /// Step 1 of the commit: operators, then what is told downstream about time.
  /// kFailed: a user's function behind a result threw; no single record is to blame, so no policy
  /// for bad records applies.
  Status flush();
  /// Step 2: changelog records.
  Status prepare();
  /// Something would be lost or stay untold without a commit.
  bool changed() const;
  /// Step 3: offsets with their metadata.
  void offsets(std::uint64_t commit_id, const std::string& writer,
               std::vector<PartitionOffset>& out) const;
  /// Steps 5 and 6. `producer` tells where the changelog ends.
  Status committed(const Producer& producer);
  /// The transaction did not happen: back to the last commit.
  Status rewind();
  /// Forgets everything but the records that it must refuse; it is to be taken over again.
  void start_over();
  /// Stops fetching. The task is dropped afterwards.
  void release();

  /// Has come to the end of the bounded run and not committed that yet.
  bool just_ended() const;
  bool committed_ended() const {
    return committed_ended_;
  }  ///< has committed `ended` in the process's run
  /// A copy of what can be told of it.
  TaskStatus status() const;
  /// Memory that it holds, but for that of the process's stores.
  void add_memory(MemoryUsage& usage) const;

 private:
  struct Restore {
    std::string store;
    TopicPartition changelog;
    std::int64_t end = 0;
    RestoreProgress progress;
  };

  Result<TakeOver> read_offsets();
  Result<TakeOver> start_restore();
  Result<std::int64_t> fitting_position(const std::string& store, const TopicPartition& changelog,
                                        std::int64_t begin, std::int64_t end);
  Result<TakeOver> restore_turn();
  bool nothing_committed() const;
  Status lost_offsets() const;
  Status open();
  Status process(SourcePartition& source, RecordBatch& batch, SourceNode& node);
  Result<bool> failed_poll(SourcePartition& source, const Status& failure);
  void hear(SourcePartition& source, std::span<const RecordView> records);
  Status advance();
  void flush_nodes();
  Result<SourcePartition::Start> start_of(const TopicPartition& partition, std::int64_t offset,
                                          const OffsetMetadata& metadata);
  SourcePartition& under_work() const;
  void make_nodes();
  bool ended() const;
  bool behind() const;
  SourceWord word_of(std::size_t source) const;
  std::int64_t level_for(std::size_t source) const;
  std::vector<SourceWord> words() const;
  void tell();
  std::string changelog_topic(const std::string& store) const;
  std::int64_t now_ms() const { return environment_.clock.monotonic_ms(); }

  TaskId id_;
  const TaskEnvironment& environment_;
  const SubTopology& part_;
  TaskPhase phase_ = TaskPhase::kOffsets;
  std::int64_t phase_began_ms_;
  TakeOverCost cost_;

  std::unique_ptr<TaskContext> context_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<SourceNode*> source_nodes_;  ///< of each source partition
  RecordBatch restored_;
  static constexpr int kMostReadAgain = 10;
  int read_again_ = 0;  ///< failed polls of offsets that the log has, in a row

  std::vector<PartitionOffset> taken_;  ///< committed offsets as read at the take-over
  std::vector<OffsetMetadata> taken_metadata_;
  std::deque<Restore> restores_;
  std::vector<TopicPartition> assigned_;

  std::uint32_t ended_run_ =
      0;  ///< of a task that reads a repartition topic: the run that it has ended
  std::uint32_t committed_ended_run_ = 0;
  bool committed_ended_ = false;
  RunCounters committed_counters_;
  std::uint64_t life_ = 0;  ///< see OffsetMetadata
  std::vector<SourceWord> told_;
  std::vector<SourceWord> committed_told_;
  std::vector<std::int64_t> changelog_positions_;
};

}  // namespace millrace
