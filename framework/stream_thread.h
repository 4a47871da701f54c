#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "millrace/framework/activity.h"
#include "millrace/framework/broker_contact.h"
#include "millrace/framework/committer.h"
#include "millrace/framework/deployment.h"
#include "millrace/framework/memory_owner.h"
#include "millrace/framework/orphan_watch.h"
#include "millrace/framework/task.h"
#include "millrace/framework/task_status.h"

namespace millrace {

/// What a thread last published, which it does after each commit and twice a second; a copy.
struct ThreadStatus {
  std::int64_t published_ms = 0;  ///< monotonic: it grows old while a call waits for the broker
  bool joined = false;            ///< a member of the group
  std::vector<TaskStatus> tasks;
  RunCounters counters;     ///< of its tasks, committed
  RefusalCounts refused{};  ///< records by reason, committed since the thread began
  /// Of these the last few, the oldest first; null: none.
  std::shared_ptr<const std::vector<RefusedRecord>> last_refused;
  ActivityClock::Spent spent_ms{};      ///< by Activity, since the thread began; so is what follows
  std::int64_t output_full_ms = 0;      ///< of that: the producer took nothing
  std::uint64_t sent_records = 0;       ///< by all tasks, to all topics, also what was aborted
  std::uint64_t sent_bytes = 0;         ///< keys and values of these
  DurationHistogram commit_times;       ///< how long commits took
  std::vector<DurationHistogram> ages;  ///< of input records at their commit, by sub-topology
  MemoryUsage memory;                   ///< of its tasks and clients
  std::size_t pending_bytes = 0;        ///< what the open transaction holds, and changes of state
  std::uint64_t commits = 0;
  std::uint64_t aborts = 0;
  std::int64_t commit_ms = -1;    ///< how long the last commit took; -1: there was none
  std::int64_t committed_ms = 0;  ///< when it was done, Unix ms
};

/// Everything threads of one application share. Outlives them; immutable while they run.
struct ThreadEnvironment {
  const Topology& topology;
  const ApplicationConfig& config;
  const Deployment& deployment;
  Broker& broker;
  const Clock& clock;
  LogSink& log;
  const TaskStateFactory& state_factory;
};

/// Owns one consumer, one producer and the tasks assigned to it; works in bounded turns.
///
/// turn() never waits for input, so that a driver or a simulator can run many in one thread; run
/// loops over it belong to Application. One thread at a time; status() from any.
class StreamThread {
 public:
  StreamThread(int index, const ThreadEnvironment& environment);
  ~StreamThread();

  /// Creates the clients, fences a former self, joins the group.
  Status start();
  enum class Turn { kWorked, kNothing, kDone };
  /// One bounded turn: the group, a take-over, a batch, a commit. kDone: the bounded run is over.
  Result<Turn> turn();
  /// Waits until there may be something to do, at most until the next commit is due.
  void wait();
  /// The thread is to stop: ends a wait(), and a long wait for a broker that is away. From any
  /// thread.
  void hurry() {
    committer_.hurry();
    if (consumer_) consumer_->wakeup();
  }
  /// Commits what is done, leaves the group. After an error: aborts instead.
  Status stop(bool commit_first);

  int index() const { return index_; }
  std::shared_ptr<const ThreadStatus> status() const;
  /// What it does at this moment. From any thread.
  Activity activity() const { return activity_.current(); }
  /// Whether it does not reach its broker, as it last found out. From any thread.
  bool broker_away() const { return contact_.lost(); }

 private:
  Status sync();
  Status recover(const Status& cause, bool failed);
  Status renew();
  Status abort();
  Status rewind_all();
  Status take_over(bool& worked);
  Status process(bool& worked);
  Status commit_if_due(bool& worked);
  Status commit(bool& worked);
  std::size_t pending_bytes() const;
  bool full() const;
  bool commit_due() const;
  Result<bool> run_over();
  void publish();
  void watch();
  void purge();
  void log(LogLevel level, std::string_view text, std::string_view detail) const;

  int index_;
  ThreadEnvironment environment_;
  std::unique_ptr<Consumer> consumer_;
  Collector collector_;
  DeadLetters dead_letters_;
  BrokerContact contact_;
  Committer committer_;
  std::unique_ptr<TaskEnvironment> task_environment_;

  std::map<TaskId, std::unique_ptr<Task>> tasks_;
  std::map<TaskId, std::uint64_t> acquired_;
  std::map<std::string, int> leads_;         ///< lead topic → sub-topology
  std::optional<OrphanWatch> orphan_watch_;  ///< of a static member
  std::uint64_t version_ = 0;
  std::shared_ptr<const GroupMetadata> group_;
  bool leaving_ = false;

  std::int64_t last_commit_ms_ = 0;
  std::int64_t commit_cost_ms_ = 0;   ///< how long the last one took
  std::int64_t last_offsets_ms_ = 0;  ///< when offsets were last committed
  bool waited_ = false;               ///< for input, since the last one
  std::int64_t last_check_ms_ = 0;
  std::int64_t last_purge_ms_ = 0;
  std::int64_t last_watch_ms_ = 0;
  std::set<TopicPartition> stalled_;              ///< said to be
  std::optional<std::int64_t> blocked_since_ms_;  ///< a take-over gets no further
  int failed_commits_ = 0;                        ///< in a row
  std::int64_t failing_since_ms_ = 0;             ///< when the first of them failed
  std::size_t turns_ = 0;
  std::map<TopicPartition, std::int64_t> purged_;

  ActivityClock activity_;
  DurationHistogram commit_times_;
  std::vector<DurationHistogram> ages_;  ///< by sub-topology
  std::uint64_t commits_ = 0;
  std::uint64_t aborts_ = 0;
  std::int64_t committed_ms_ = 0;  ///< when the last commit was done, Unix ms
  std::int64_t published_ms_ = 0;

  mutable std::mutex mutex_;  ///< only for the pointer
  std::shared_ptr<const ThreadStatus> published_ = std::make_shared<ThreadStatus>();
};

}  // namespace millrace
