#include "millrace/framework/stream_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace millrace {
namespace {

constexpr std::int64_t kRunCheckMs = 100;
constexpr std::int64_t kBlockedMs = 1'000;
constexpr std::int64_t kWatchMs = 1'000;
constexpr std::int64_t kStalledMs = 30'000;
constexpr std::int64_t kPurgeMs = 5'000;
constexpr std::int64_t kPublishMs = 500;
constexpr std::int64_t kOffsetsMs = 24 * 3'600'000;
constexpr std::int64_t kSlowestIntervalMs = 1'000;  // unless a longer one is asked for
constexpr std::size_t kGatheredRecords = 16'384;
// Then it is no passing trouble. A rebalance may wait for a member that died in it until its
// session ends, and for the next one in turn: so long commits of the others are refused.
constexpr int kFailedCommitsInARow = 50;
constexpr std::int64_t kFailingMs = 60'000;
constexpr int kFailingSessions = 3;

DeadLetters::Options dead_letter_options(const ThreadEnvironment& environment) {
  const std::string& topic = environment.config.dead_letter_topic;
  const auto partitions = environment.deployment.partitions.find(topic);
  return {environment.config.on_bad_record, topic,
          partitions == environment.deployment.partitions.end() ? 1 : partitions->second};
}

std::uint64_t random_id() {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

}  // namespace

StreamThread::StreamThread(int index, const ThreadEnvironment& environment)
    : index_(index),
      environment_(environment),
      collector_(environment.clock),
      dead_letters_(dead_letter_options(environment), collector_),
      contact_(environment.log, index),
      committer_({environment.broker, environment.clock, environment.log, collector_, contact_,
                  environment.config.guarantee, environment.config.application_id,
                  transactional_id(environment.config, index),
                  client_id(environment.topology, environment.config, index),
                  environment.config.commit_interval}),
      activity_(environment.clock),
      ages_(environment.topology.sub_topologies().size()) {
  for (const SubTopology& part : environment_.topology.sub_topologies())
    leads_[part.lead().resolve(environment_.config.application_id)] = part.id;
}

StreamThread::~StreamThread() = default;

void StreamThread::log(LogLevel level, std::string_view text, std::string_view detail) const {
  environment_.log.write(level, text, {{"thread", index_}, {"detail", detail}});
}

Status StreamThread::start() {
  MILLRACE_RETURN_IF_ERROR(committer_.renew());
  ConsumerOptions options;
  options.group_id = environment_.config.application_id;
  options.client_id = client_id(environment_.topology, environment_.config, index_);
  if (environment_.config.static_membership)
    options.group_instance_id = fmt::format("{}-{}", environment_.config.instance_id, index_);
  options.session_timeout = environment_.config.session_timeout;
  if (std::ranges::any_of(environment_.topology.sub_topologies(),
                          [](const SubTopology& part) { return part.gather.has_value(); }))
    options.prefetch_records = kGatheredRecords;
  auto consumer = environment_.broker.consumer(options);
  if (!consumer.ok()) return consumer.status();
  consumer_ = std::move(*consumer);
  task_environment_ = std::make_unique<TaskEnvironment>(
      TaskEnvironment{environment_.topology, environment_.config, environment_.deployment,
                      environment_.clock, environment_.log, *consumer_, environment_.broker.admin(),
                      collector_, dead_letters_, ages_, environment_.state_factory});
  std::vector<std::string> topics;
  std::map<std::string, std::int32_t> partitions;
  for (const auto& [topic, part] : leads_) {
    topics.push_back(topic);
    partitions[topic] = environment_.deployment.partitions.at(topic);
  }
  if (environment_.config.static_membership)
    orphan_watch_.emplace(environment_.broker, environment_.log, options, std::move(partitions));
  last_commit_ms_ = last_offsets_ms_ = environment_.clock.monotonic_ms();
  return consumer_->subscribe(topics);
}

Result<StreamThread::Turn> StreamThread::turn() {
  bool worked = false;
  bool committing = false;
  activity_.enter(Activity::kGroup);
  const auto work = [&]() -> Status {
    const Status served = consumer_->serve();
    if (served.code() == StatusCode::kFenced)  // going on would fence the other one in turn
      return Status::failed(fmt::format("another process runs with instance id '{}': {}",
                                        environment_.config.instance_id, served.message()));
    if (!served.ok() && served.code() != StatusCode::kRetry) return served;
    contact_.hear(served);
    if (consumer_->membership().version != version_) MILLRACE_RETURN_IF_ERROR(sync());
    if (committer_.must_renew()) MILLRACE_RETURN_IF_ERROR(committer_.renew());
    if (group_ == nullptr) return {};
    MILLRACE_RETURN_IF_ERROR(take_over(worked));
    if (leaving_) return {};
    MILLRACE_RETURN_IF_ERROR(process(worked));
    committing = true;
    return commit_if_due(worked);
  };
  if (const Status status = work(); !status.ok()) {
    worked = true;
    MILLRACE_RETURN_IF_ERROR(recover(status, committing || !collector_.status().ok()));
  }
  watch();
  if (environment_.clock.monotonic_ms() - published_ms_ >= kPublishMs) publish();
  if (orphan_watch_)
    orphan_watch_->turn(consumer_->membership(), environment_.clock.monotonic_ms());
  if (leaving_) return Turn::kDone;
  auto over = run_over();
  if (!over.ok()) return over.status();
  if (*over) return Turn::kDone;
  return worked ? Turn::kWorked : Turn::kNothing;
}

void StreamThread::wait() {
  activity_.enter(Activity::kWaiting);
  waited_ = true;
  const std::int64_t due_ms = last_commit_ms_ + environment_.config.commit_interval.count() -
                              environment_.clock.monotonic_ms();
  consumer_->wait(std::chrono::milliseconds(std::clamp<std::int64_t>(due_ms, 1, 100)));
}

// --- membership: a new generation is adopted by aborting first (design §6)

Status StreamThread::sync() {
  const Membership& membership = consumer_->membership();
  std::map<TaskId, std::uint64_t> owned;
  for (const OwnedPartition& lead : membership.owned)
    if (const auto part = leads_.find(lead.partition.topic); part != leads_.end())
      owned[{part->second, lead.partition.partition}] = lead.acquired;
  const bool stayed = std::ranges::any_of(acquired_, [&](const auto& before) {
    const auto now = owned.find(before.first);
    return now != owned.end() && now->second == before.second;
  });
  bool committed = false;
  if (!committer_.exactly_once() && stayed && group_ != nullptr) {
    // Nothing can be taken back that was sent, so what is done is committed before anyone else does
    // it again. If that is refused, it is done again. Who has been out of the group, and is in it
    // again by now, has kept nothing, and must not write over what others have done since.
    bool worked = false;
    committed = commit(worked).ok();
  }
  MILLRACE_RETURN_IF_ERROR(abort());

  for (auto task = tasks_.begin(); task != tasks_.end();) {
    const auto now = owned.find(task->first);
    const bool kept =
        now != owned.end() && now->second == acquired_[task->first] && task->second->running();
    if (kept) {
      ++task;
      continue;
    }
    task->second->release();
    task = tasks_.erase(task);
  }
  if (!committed) MILLRACE_RETURN_IF_ERROR(rewind_all());
  for (const auto& [id, acquired] : owned) {
    auto& task = tasks_[id];
    if (!task) task = std::make_unique<Task>(id, *task_environment_);
  }
  acquired_ = std::move(owned);
  version_ = membership.version;
  group_ = membership.joined ? consumer_->group_metadata() : nullptr;
  environment_.log.write(LogLevel::kInfo, "assignment",
                         {{"thread", index_}, {"tasks", static_cast<std::int64_t>(tasks_.size())}});
  publish();  // before another publishes what was given up here
  return {};
}

/// A broker that is away is asked again in the next turn.
Status StreamThread::renew() {
  const Status status = committer_.renew();
  return status.code() == StatusCode::kRetry ? Status{} : status;
}

Status StreamThread::abort() {
  const auto aborted = committer_.abort();
  if (!aborted.ok()) return aborted.status();
  aborts_ += *aborted ? 1 : 0;
  return {};
}

Status StreamThread::rewind_all() {
  dead_letters_.aborted();
  for (auto& [id, task] : tasks_) {
    if (committer_.exactly_once()) {
      if (task->running()) MILLRACE_RETURN_IF_ERROR(task->rewind());
    } else {
      // The changelog may hold what the state does not: taken over afresh, they agree again.
      task->start_over();
    }
  }
  return {};
}

Status StreamThread::recover(const Status& cause, bool failed) {
  switch (cause.code()) {
    case StatusCode::kRetry:
      return {};
    case StatusCode::kAbort:
    case StatusCode::kFenced:
      // A user's exception is no trouble of the broker: its record is refused when it comes again.
      if (failed) {
        const std::int64_t now_ms = environment_.clock.monotonic_ms();
        if (failed_commits_++ == 0) failing_since_ms_ = now_ms;
        const std::int64_t most_ms = std::max<std::int64_t>(
            kFailingMs, kFailingSessions * environment_.config.session_timeout.count());
        if (failed_commits_ > kFailedCommitsInARow && now_ms - failing_since_ms_ > most_ms)
          return Status::failed(
              fmt::format("{} transactions in a row failed within {} s, the last one: {}",
                          failed_commits_, (now_ms - failing_since_ms_) / 1000, cause.message()));
      }
      log(LogLevel::kInfo, "transaction aborted, going back to the last commit", cause.message());
      if (cause.code() == StatusCode::kFenced) {
        MILLRACE_RETURN_IF_ERROR(committer_.fenced());
        MILLRACE_RETURN_IF_ERROR(renew());
      }
      MILLRACE_RETURN_IF_ERROR(abort());
      return rewind_all();
    case StatusCode::kUnknown:  // the take-over reads the truth
      log(LogLevel::kWarning, "taking everything over afresh", cause.message());
      collector_.finished();
      dead_letters_.aborted();
      for (auto& [id, task] : tasks_) task->start_over();
      return {};
    default:
      return cause;
  }
}

// --- work

Status StreamThread::take_over(bool& worked) {
  bool blocked = false;
  for (auto& [id, task] : tasks_) {
    if (task->running()) continue;
    activity_.enter(Activity::kTakingOver);
    auto state = task->take_over();
    if (!state.ok()) return state.status();
    blocked = blocked || *state == Task::TakeOver::kBlocked;
    if (*state == Task::TakeOver::kLaterRun) {
      leaving_ = true;
      return {};
    }
    if (*state == Task::TakeOver::kRunning) {
      const Task::TakeOverCost& cost = task->take_over_cost();
      environment_.log.write(LogLevel::kInfo, "task runs",
                             {{"thread", index_},
                              {"task", id.text()},
                              {"offsets_ms", cost.offsets_ms},
                              {"restore_ms", cost.restore_ms},
                              {"restored_records", cost.records}});
      worked = true;
    }
  }
  const std::int64_t now_ms = environment_.clock.monotonic_ms();
  if (!blocked || !committer_.exactly_once())
    blocked_since_ms_.reset();
  else if (!blocked_since_ms_)
    blocked_since_ms_ = now_ms;
  else if (now_ms - *blocked_since_ms_ >= kBlockedMs) {
    blocked_since_ms_ = now_ms;
    return committer_.fence_gone_members();
  }
  return {};
}

Status StreamThread::process(bool& worked) {
  activity_.enter(Activity::kProcessing);
  if (full() || committer_.producer().queued_bytes() >= environment_.config.transaction_bytes)
    return {};  // no room: the commit is next

  struct Candidate {
    Task* task;
    std::size_t source;
    std::int64_t highest_ms;
    std::size_t held_bytes;
  };
  std::vector<Candidate> inputs;
  std::int64_t slowest_ms = kEndOfTime;
  for (auto& [id, task] : tasks_) {
    if (!task->running()) continue;
    const bool internal =
        environment_.topology.sub_topologies()[static_cast<std::size_t>(id.sub_topology)]
            .keeps_words();
    for (std::size_t i = 0; i < task->source_count(); ++i) {
      const SourcePartition& source = task->source(i);
      if (source.ended()) continue;
      if (internal) {  // small and first: it frees what the others wait for
        auto read = task->step(i);
        if (!read.ok()) return read.status();
        worked = worked || *read;
        continue;
      }
      if (task->gathers()) {  // it bounds by itself how far its sources are apart
        if (!source.full()) inputs.push_back({task.get(), i, kNoTime, source.held_bytes()});
        continue;
      }
      inputs.push_back({task.get(), i, source.has_time() ? source.highest_ms() : kNoTime, 0});
      if (source.has_time() && !source.caught_up())
        slowest_ms = std::min(slowest_ms, source.highest_ms());
    }
  }
  if (inputs.empty()) return {};
  // Those without event time, or equally far behind, take turns.
  std::ranges::rotate(inputs,
                      inputs.begin() + static_cast<std::ptrdiff_t>(turns_++ % inputs.size()));
  std::ranges::stable_sort(inputs, {}, [](const Candidate& input) {
    return std::pair(input.highest_ms, input.held_bytes);
  });
  const std::int64_t drift_ms = environment_.config.max_drift.count();
  for (const Candidate& input : inputs) {
    const bool ahead = drift_ms >= 0 && slowest_ms != kEndOfTime && input.highest_ms > slowest_ms &&
                       (slowest_ms == kNoTime || input.highest_ms - slowest_ms > drift_ms);
    if (ahead) continue;
    auto read = input.task->step(input.source);
    if (!read.ok()) return read.status();
    if (*read) {
      worked = true;
      return {};
    }
  }
  return {};
}

// --- commit: the six steps of design §6, here and nowhere else

/// What the transaction holds, and what the overlays will add to it.
std::size_t StreamThread::pending_bytes() const {
  std::size_t bytes = collector_.transaction_bytes();
  for (const auto& [id, task] : tasks_) bytes += task->pending_bytes();
  return bytes;
}

/// The transaction takes no more.
bool StreamThread::full() const {
  return pending_bytes() >= environment_.config.transaction_bytes ||
         std::ranges::any_of(tasks_, [](const auto& task) { return task.second->wants_commit(); });
}

bool StreamThread::commit_due() const {
  const std::int64_t since_ms = environment_.clock.monotonic_ms() - last_commit_ms_;
  // Nothing is gained by results that are out at once while input waits: then commits come so
  // seldom that they take a thirtieth of the time.
  const std::int64_t slow_ms = waited_ ? 0 : std::min(30 * commit_cost_ms_, kSlowestIntervalMs);
  if (since_ms >= std::max<std::int64_t>(environment_.config.commit_interval.count(), slow_ms))
    return true;
  if (since_ms < kCommitGapMs) return false;
  // What others wait for: room in the transaction, and the end of a bounded run.
  return full() ||
         std::ranges::any_of(tasks_, [](const auto& task) { return task.second->just_ended(); });
}

Status StreamThread::commit_if_due(bool& worked) {
  return commit_due() ? commit(worked) : Status{};
}

Status StreamThread::commit(bool& worked) {
  activity_.enter(Activity::kPreparing);
  const std::int64_t began_ms = last_commit_ms_ = environment_.clock.monotonic_ms();
  std::vector<Task*> tasks;
  for (auto& [id, task] : tasks_)
    if (task->running()) tasks.push_back(task.get());

  for (Task* task : tasks) MILLRACE_RETURN_IF_ERROR(task->flush());  // 1
  MILLRACE_RETURN_IF_ERROR(collector_.status());
  const bool changed = std::ranges::any_of(tasks, [](const Task* task) { return task->changed(); });
  // Brokers forget the offsets of quiet partitions after seven days.
  const bool stale = began_ms - last_offsets_ms_ > kOffsetsMs && !tasks.empty();
  if (!changed && !stale && !collector_.transaction_open()) return {};

  collector_.ensure_open();
  // Where a crash can leave the one without the other, no state may say that a result is out which
  // is not.
  activity_.enter(Activity::kCommitting);
  MILLRACE_RETURN_IF_ERROR(committer_.deliver());
  activity_.enter(Activity::kPreparing);
  for (Task* task : tasks) MILLRACE_RETURN_IF_ERROR(task->prepare());  // 2
  MILLRACE_RETURN_IF_ERROR(collector_.status());

  const std::uint64_t commit_id = random_id();
  std::vector<PartitionOffset> offsets;
  for (const Task* task : tasks) task->offsets(commit_id, committer_.transactional_id(), offsets);
  activity_.enter(Activity::kCommitting);
  MILLRACE_RETURN_IF_ERROR(committer_.commit(commit_id, offsets, *consumer_, *group_));  // 3, 4
  activity_.enter(Activity::kWritingState);
  for (Task* task : tasks)
    MILLRACE_RETURN_IF_ERROR(task->committed(committer_.producer()));  // 5, 6
  collector_.finished();

  failed_commits_ = 0;
  worked = true;
  last_commit_ms_ = last_offsets_ms_ = environment_.clock.monotonic_ms();
  commit_cost_ms_ = last_commit_ms_ - began_ms;
  commit_times_.add(commit_cost_ms_);
  waited_ = false;
  committed_ms_ = environment_.clock.wall_ms();
  dead_letters_.committed(committed_ms_);
  ++commits_;
  publish();
  purge();
  return {};
}

// --- the end of a bounded run, and housekeeping

Result<bool> StreamThread::run_over() {
  if (!environment_.config.until_end || group_ == nullptr) return false;
  const bool mine =
      std::ranges::all_of(tasks_, [](const auto& task) { return task.second->committed_ended(); });
  const std::int64_t now_ms = environment_.clock.monotonic_ms();
  if (!mine || now_ms - last_check_ms_ < kRunCheckMs) return false;
  last_check_ms_ = now_ms;
  const auto partitions =
      source_partitions(environment_.topology, environment_.config, environment_.deployment);
  auto offsets =
      environment_.broker.admin().committed(environment_.config.application_id, partitions);
  if (offsets.status().code() == StatusCode::kRetry) return false;
  if (!offsets.ok()) return offsets.status();
  std::vector<OffsetMetadata> metadata;
  for (const PartitionOffset& offset : *offsets) {
    auto decoded = decode_offset_metadata(offset.metadata);
    if (!decoded.ok()) return decoded.status();
    metadata.push_back(std::move(*decoded));
  }
  return run_is_over(metadata, environment_.deployment.run);
}

/// What every reader of a repartition topic has committed is of no use any more.
void StreamThread::purge() {
  const std::int64_t now_ms = environment_.clock.monotonic_ms();
  if (now_ms - last_purge_ms_ < kPurgeMs) return;
  last_purge_ms_ = now_ms;
  std::vector<PartitionOffset> before;
  for (const auto& [id, task] : tasks_) {
    const SubTopology& part =
        environment_.topology.sub_topologies()[static_cast<std::size_t>(id.sub_topology)];
    if (!part.reads_repartition() || !task->running()) continue;
    for (std::size_t i = 0; i < task->source_count(); ++i) {
      const SourcePartition& source = task->source(i);
      if (source.committed_offset() > purged_[source.partition()])
        before.push_back({source.partition(), source.committed_offset(), {}});
    }
  }
  if (before.empty()) return;
  if (const Status status = environment_.broker.admin().delete_records(before); !status.ok())
    return log(LogLevel::kWarning, "could not purge a repartition topic", status.message());
  for (const PartitionOffset& done : before) purged_[done.partition] = done.offset;
}

/// Says which partitions have records that do not come: their leader is away, or another's
/// transaction is open.
void StreamThread::watch() {
  const std::int64_t now_ms = environment_.clock.monotonic_ms();
  if (now_ms - last_watch_ms_ < kWatchMs) return;
  last_watch_ms_ = now_ms;
  for (const auto& [id, task] : tasks_) {
    if (!task->running()) continue;
    for (std::size_t i = 0; i < task->source_count(); ++i) {
      const SourcePartition& source = task->source(i);
      const auto since_ms = source.ended() ? std::nullopt : source.stalled_since_ms();
      const bool stalled = since_ms && now_ms - *since_ms >= kStalledMs;
      if (stalled == stalled_.contains(source.partition())) continue;
      stalled ? static_cast<void>(stalled_.insert(source.partition()))
              : static_cast<void>(stalled_.erase(source.partition()));
      const std::int64_t end = consumer_->high_watermark(source.partition()).value_or(-1);
      environment_.log.write(
          stalled ? LogLevel::kWarning : LogLevel::kInfo,
          stalled ? "no progress: there are records, but none come; the partition's leader may be "
                    "away, or a transaction is open"
                  : "progress again",
          {{"thread", index_},
           {"task", id.text()},
           {"topic", source.partition().topic},
           {"partition", source.partition().partition},
           {"offset", source.position()},
           {"end", end}});
    }
  }
}

void StreamThread::publish() {
  auto now = std::make_shared<ThreadStatus>();
  now->published_ms = published_ms_ = environment_.clock.monotonic_ms();
  now->joined = group_ != nullptr;
  for (const auto& [id, task] : tasks_) {
    TaskStatus& status = now->tasks.emplace_back(task->status());
    for (PartitionStatus& partition : status.partitions)
      partition.stalled = stalled_.contains(partition.partition);
    task->add_memory(now->memory);
    now->counters.add(status.counters);
  }
  now->refused = dead_letters_.counts();
  now->last_refused = dead_letters_.last();
  now->spent_ms = activity_.spent();
  now->output_full_ms = collector_.full_ms();
  now->sent_records = collector_.sent_records();
  now->sent_bytes = collector_.sent_bytes();
  now->commit_times = commit_times_;
  now->ages = ages_;
  if (consumer_) now->memory[MemoryOwner::kConsumers] = consumer_->queued_bytes();
  now->memory[MemoryOwner::kProducers] = collector_.queued_bytes();
  now->pending_bytes = pending_bytes();
  now->commits = commits_;
  now->aborts = aborts_;
  now->commit_ms = commits_ == 0 ? -1 : commit_cost_ms_;
  now->committed_ms = committed_ms_;
  const std::lock_guard lock(mutex_);
  published_ = std::move(now);
}

std::shared_ptr<const ThreadStatus> StreamThread::status() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

Status StreamThread::stop(bool commit_first) {
  Status result;
  if (consumer_ && commit_first && !leaving_ && group_ != nullptr) {
    bool worked = false;
    result = commit(worked);
    if (result.code() == StatusCode::kAbort || result.code() == StatusCode::kFenced)
      result = {};  // another has the tasks
  }
  if (consumer_) {
    const Status aborted = abort();
    if (result.ok()) result = aborted;
  }
  tasks_.clear();
  group_ = nullptr;
  publish();  // who takes them over counts on
  if (orphan_watch_) orphan_watch_->stop();
  if (consumer_) {
    const Status closed = consumer_->close();
    if (result.ok()) result = closed;
  }
  return result;
}

}  // namespace millrace
