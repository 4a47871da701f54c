#include "millrace/framework/stream_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace millrace {
namespace {

using std::chrono_literals::operator""s;

constexpr std::int64_t kRunCheckMs = 100;
constexpr std::int64_t kPurgeMs = 5'000;
constexpr std::int64_t kSlowestIntervalMs = 1'000;  // unless a longer one is asked for
constexpr int kRetries = 600;                       // of a call that says "again"
constexpr std::int64_t kRetryMs = 60'000;
constexpr std::chrono::milliseconds kRetryPause{100};
constexpr int kFailedCommitsInARow = 50;  // then it is no passing trouble

DeadLetters::Options dead_letter_options(const ThreadEnvironment& environment) {
  const std::string& topic = environment.config.dead_letter_topic;
  const auto partitions = environment.deployment.partitions.find(topic);
  return {environment.config.on_bad_record, topic,
          partitions == environment.deployment.partitions.end() ? 1 : partitions->second};
}

Status status_of(const Status& status) { return status; }
template <class T>
Status status_of(const Result<T>& result) {
  return result.status();
}

/// Makes a call again while it says so, for a minute; the producer is served in between.
template <class Call>
auto retrying(const Clock& clock, Producer& producer, Call call) {
  const std::int64_t deadline_ms = clock.monotonic_ms() + kRetryMs;
  auto result = call();
  for (int i = 0; i < kRetries && status_of(result).code() == StatusCode::kRetry; ++i) {
    if (clock.monotonic_ms() > deadline_ms) break;
    producer.poll(kRetryPause);
    result = call();
  }
  return result;
}

std::uint64_t random_id() {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

}  // namespace

StreamThread::StreamThread(int index, const ThreadEnvironment& environment)
    : index_(index),
      environment_(environment),
      transactional_id_(fmt::format("{}-{}-{}", environment.config.application_id,
                                    environment.config.instance_id, index)),
      collector_(environment.clock),
      dead_letters_(dead_letter_options(environment), collector_) {
  for (const SubTopology& part : environment_.topology.sub_topologies())
    leads_[part.sources.front().resolve(environment_.config.application_id)] = part.id;
}

StreamThread::~StreamThread() = default;

void StreamThread::log(LogLevel level, std::string_view text, std::string_view detail) const {
  environment_.log.write(level, text, {{"thread", index_}, {"detail", detail}});
}

Status StreamThread::start() {
  MILLRACE_RETURN_IF_ERROR(new_producer());
  ConsumerOptions options;
  options.group_id = environment_.config.application_id;
  options.client_id = client_id(environment_.topology, environment_.config, index_);
  if (environment_.config.static_membership)
    options.group_instance_id = fmt::format("{}-{}", environment_.config.instance_id, index_);
  options.session_timeout = environment_.config.session_timeout;
  auto consumer = environment_.broker.consumer(options);
  if (!consumer.ok()) return consumer.status();
  consumer_ = std::move(*consumer);
  task_environment_ = std::make_unique<TaskEnvironment>(
      TaskEnvironment{environment_.topology, environment_.config, environment_.deployment,
                      environment_.clock, environment_.log, *consumer_, environment_.broker.admin(),
                      collector_, dead_letters_, environment_.state_factory});
  std::vector<std::string> topics;
  for (const auto& [topic, part] : leads_) topics.push_back(topic);
  last_commit_ms_ = environment_.clock.monotonic_ms();
  return consumer_->subscribe(topics);
}

Status StreamThread::new_producer() {
  ProducerOptions options;
  options.client_id = client_id(environment_.topology, environment_.config, index_);
  options.transactional_id = transactional_id_;
  options.transaction_timeout =
      std::max(options.transaction_timeout, 2 * environment_.config.commit_interval + 5s);
  auto producer = environment_.broker.producer(options);
  if (!producer.ok()) return producer.status();
  producer_ = std::move(*producer);
  collector_.use(*producer_);
  return retrying(environment_.clock, *producer_, [&] { return producer_->init_transactions(); });
}

Result<StreamThread::Turn> StreamThread::turn() {
  bool worked = false;
  bool committing = false;
  const auto work = [&]() -> Status {
    const Status served = consumer_->serve();
    if (served.code() == StatusCode::kFenced)  // going on would fence the other one in turn
      return Status::failed(fmt::format("another process runs with instance id '{}': {}",
                                        environment_.config.instance_id, served.message()));
    if (!served.ok() && served.code() != StatusCode::kRetry) return served;
    if (consumer_->membership().version != version_) MILLRACE_RETURN_IF_ERROR(sync());
    if (group_ == nullptr) return {};
    MILLRACE_RETURN_IF_ERROR(take_over(worked));
    if (leaving_) return {};
    MILLRACE_RETURN_IF_ERROR(process(worked));
    committing = true;
    return commit(worked);
  };
  if (const Status status = work(); !status.ok()) {
    worked = true;
    MILLRACE_RETURN_IF_ERROR(recover(status, committing || !collector_.status().ok()));
  }
  if (leaving_) return Turn::kDone;
  auto over = run_over();
  if (!over.ok()) return over.status();
  if (*over) return Turn::kDone;
  return worked ? Turn::kWorked : Turn::kNothing;
}

void StreamThread::wait() {
  waited_ = true;
  const std::int64_t due_ms = last_commit_ms_ + environment_.config.commit_interval.count() -
                              environment_.clock.monotonic_ms();
  consumer_->wait(std::chrono::milliseconds(std::clamp<std::int64_t>(due_ms, 1, 100)));
}

// --- membership: a new generation is adopted by aborting first (design §6)

Status StreamThread::sync() {
  MILLRACE_RETURN_IF_ERROR(abort_transaction());
  const Membership& membership = consumer_->membership();
  std::map<TaskId, std::uint64_t> owned;
  for (const OwnedPartition& lead : membership.owned)
    if (const auto part = leads_.find(lead.partition.topic); part != leads_.end())
      owned[{part->second, lead.partition.partition}] = lead.acquired;

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
  MILLRACE_RETURN_IF_ERROR(rewind_all());
  for (const auto& [id, acquired] : owned) {
    auto& task = tasks_[id];
    if (!task) task = std::make_unique<Task>(id, *task_environment_);
  }
  acquired_ = std::move(owned);
  version_ = membership.version;
  group_ = membership.joined ? consumer_->group_metadata() : nullptr;
  environment_.log.write(LogLevel::kInfo, "assignment",
                         {{"thread", index_}, {"tasks", static_cast<std::int64_t>(tasks_.size())}});
  return {};
}

Status StreamThread::abort_transaction() {
  if (collector_.transaction_open()) {
    const Status status =
        retrying(environment_.clock, *producer_, [&] { return producer_->abort(); });
    if (!status.ok()) {
      log(LogLevel::kWarning, "abort failed, new producer", status.message());
      MILLRACE_RETURN_IF_ERROR(new_producer());
    }
    const std::lock_guard lock(mutex_);
    ++published_.aborts;
  }
  collector_.finished();
  return {};
}

Status StreamThread::rewind_all() {
  for (auto& [id, task] : tasks_)
    if (task->running()) MILLRACE_RETURN_IF_ERROR(task->rewind());
  return {};
}

Status StreamThread::recover(const Status& cause, bool failed) {
  switch (cause.code()) {
    case StatusCode::kRetry:
      return {};
    case StatusCode::kAbort:
    case StatusCode::kFenced:
      // A user's exception is no trouble of the broker: its record is refused when it comes again.
      if (failed && ++failed_commits_ > kFailedCommitsInARow)
        return Status::failed(fmt::format("{} transactions in a row failed, the last one: {}",
                                          failed_commits_, cause.message()));
      log(LogLevel::kInfo, "transaction aborted, going back to the last commit", cause.message());
      if (cause.code() == StatusCode::kFenced) MILLRACE_RETURN_IF_ERROR(new_producer());
      MILLRACE_RETURN_IF_ERROR(abort_transaction());
      return rewind_all();
    default:
      return cause;
  }
}

// --- work

Status StreamThread::take_over(bool& worked) {
  for (auto& [id, task] : tasks_) {
    if (task->running()) continue;
    auto state = task->take_over();
    if (!state.ok()) return state.status();
    if (*state == Task::TakeOver::kLaterRun) {
      leaving_ = true;
      return {};
    }
    if (*state == Task::TakeOver::kRunning) {
      environment_.log.write(LogLevel::kInfo, "task runs",
                             {{"thread", index_}, {"task", id.text()}});
      worked = true;
    }
  }
  return {};
}

Status StreamThread::process(bool& worked) {
  if (collector_.transaction_bytes() >= environment_.config.transaction_bytes ||
      producer_->queued_bytes() >= environment_.config.transaction_bytes)
    return {};  // no room: the commit is next

  struct Candidate {
    Task* task;
    std::size_t source;
    std::int64_t highest_ms;
  };
  std::vector<Candidate> inputs;
  std::int64_t slowest_ms = kEndOfTime;
  for (auto& [id, task] : tasks_) {
    if (!task->running()) continue;
    const bool internal =
        environment_.topology.sub_topologies()[static_cast<std::size_t>(id.sub_topology)]
            .reads_repartition();
    for (std::size_t i = 0; i < task->source_count(); ++i) {
      const SourcePartition& source = task->source(i);
      if (source.ended()) continue;
      if (internal) {  // small and first: it frees what the others wait for
        auto read = task->step(i);
        if (!read.ok()) return read.status();
        worked = worked || *read;
        continue;
      }
      inputs.push_back({task.get(), i, source.has_time() ? source.highest_ms() : kNoTime});
      if (source.has_time() && !source.caught_up())
        slowest_ms = std::min(slowest_ms, source.highest_ms());
    }
  }
  if (inputs.empty()) return {};
  // Those without event time, or equally far behind, take turns.
  std::ranges::rotate(inputs,
                      inputs.begin() + static_cast<std::ptrdiff_t>(turns_++ % inputs.size()));
  std::ranges::stable_sort(inputs, {}, &Candidate::highest_ms);
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

bool StreamThread::commit_due() const {
  const std::int64_t since_ms = environment_.clock.monotonic_ms() - last_commit_ms_;
  // Nothing is gained by results that are out at once while input waits: then commits come so
  // seldom that they take a thirtieth of the time.
  const std::int64_t slow_ms = waited_ ? 0 : std::min(30 * commit_cost_ms_, kSlowestIntervalMs);
  if (since_ms >= std::max<std::int64_t>(environment_.config.commit_interval.count(), slow_ms))
    return true;
  if (since_ms < kCommitGapMs) return false;
  // What others wait for: room in the transaction, and the end of a bounded run.
  return collector_.transaction_bytes() >= environment_.config.transaction_bytes ||
         std::ranges::any_of(tasks_, [](const auto& task) { return task.second->just_ended(); });
}

Status StreamThread::commit(bool& worked) {
  if (!commit_due()) return {};
  const std::int64_t began_ms = last_commit_ms_ = environment_.clock.monotonic_ms();
  std::vector<Task*> tasks;
  for (auto& [id, task] : tasks_)
    if (task->running()) tasks.push_back(task.get());

  for (Task* task : tasks) MILLRACE_RETURN_IF_ERROR(task->flush());  // 1
  MILLRACE_RETURN_IF_ERROR(collector_.status());
  const bool changed = std::ranges::any_of(tasks, [](const Task* task) { return task->changed(); });
  if (!changed && !collector_.transaction_open()) return {};

  collector_.ensure_open();
  for (Task* task : tasks) MILLRACE_RETURN_IF_ERROR(task->prepare());  // 2
  MILLRACE_RETURN_IF_ERROR(collector_.status());

  const std::uint64_t commit_id = random_id();
  std::vector<PartitionOffset> offsets;
  for (const Task* task : tasks) task->offsets(commit_id, transactional_id_, offsets);
  MILLRACE_RETURN_IF_ERROR(commit_transaction(commit_id, offsets));                // 3, 4
  for (Task* task : tasks) MILLRACE_RETURN_IF_ERROR(task->committed(*producer_));  // 5, 6
  collector_.finished();

  failed_commits_ = 0;
  worked = true;
  last_commit_ms_ = environment_.clock.monotonic_ms();
  commit_cost_ms_ = last_commit_ms_ - began_ms;
  waited_ = false;
  {
    const std::lock_guard lock(mutex_);
    ++published_.commits;
  }
  publish();
  purge();
  return {};
}

Status StreamThread::commit_transaction(std::uint64_t commit_id,
                                        const std::vector<PartitionOffset>& offsets) {
  MILLRACE_RETURN_IF_ERROR(retrying(environment_.clock, *producer_,
                                    [&] { return producer_->send_offsets(offsets, *group_); }));
  bool again = false;
  const Status status = retrying(environment_.clock, *producer_, [&] {
    const Status committed = producer_->commit();
    again = again || committed.code() == StatusCode::kRetry;
    return committed;
  });
  // An attempt that timed out may have succeeded, whatever a later one says.
  if (status.code() == StatusCode::kUnknown || (again && !status.ok())) {
    const auto happened = settle(commit_id, offsets);
    if (!happened.ok())  // neither going on nor going back is right: a restart reads the truth
      return Status::failed(fmt::format("the outcome of a commit could not be found out: {}",
                                        happened.status().message()));
    return *happened ? Status{} : Status::abort("a commit of unknown outcome did not happen");
  }
  return status;
}

/// Finds out whether a commit happened: a new producer settles it, and the committed metadata
/// carries its id or does not.
Result<bool> StreamThread::settle(std::uint64_t commit_id,
                                  const std::vector<PartitionOffset>& offsets) {
  log(LogLevel::kWarning, "the outcome of a commit is unknown",
      "asking the group's committed offsets");
  MILLRACE_RETURN_IF_ERROR(new_producer());
  std::vector<TopicPartition> partitions;
  for (const PartitionOffset& offset : offsets) partitions.push_back(offset.partition);
  const auto committed =
      retrying(environment_.clock, *producer_, [&] { return consumer_->committed(partitions); });
  if (!committed.ok()) return committed.status();
  for (const PartitionOffset& offset : *committed) {
    const auto metadata = decode_offset_metadata(offset.metadata);
    if (metadata.ok() && metadata->commit_id == commit_id) return true;
  }
  return false;
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
    const SourcePartition& source = task->source(0);
    std::int64_t& done = purged_[source.partition()];
    if (source.committed_offset() <= done) continue;
    done = source.committed_offset();
    before.push_back({source.partition(), done, {}});
  }
  if (before.empty()) return;
  if (const Status status = environment_.broker.admin().delete_records(before); !status.ok())
    log(LogLevel::kWarning, "could not purge a repartition topic", status.message());
}

void StreamThread::publish() {
  ThreadStatus now;
  const std::int64_t now_ms = environment_.clock.monotonic_ms();
  for (const auto& [id, task] : tasks_) {
    if (!task->running()) continue;
    now.counters.add(task->committed_counters());
    for (std::size_t i = 0; i < task->source_count(); ++i) {
      const SourcePartition& source = task->source(i);
      now.partitions.push_back({source.partition(), source.position(),
                                consumer_->high_watermark(source.partition()).value_or(-1),
                                source.highest_ms(),
                                source.status(now_ms, environment_.config.idle_after.count())});
    }
  }
  const std::lock_guard lock(mutex_);
  now.commits = published_.commits;
  now.aborts = published_.aborts;
  published_ = std::move(now);
}

ThreadStatus StreamThread::status() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

Status StreamThread::stop(bool commit_first) {
  Status result;
  if (consumer_ && commit_first && !leaving_ && group_ != nullptr) {
    last_commit_ms_ =
        environment_.clock.monotonic_ms() - environment_.config.commit_interval.count() - 1;
    bool worked = false;
    result = commit(worked);
    if (result.code() == StatusCode::kAbort || result.code() == StatusCode::kFenced)
      result = {};  // another has the tasks
  }
  if (producer_) {
    const Status aborted = abort_transaction();
    if (result.ok()) result = aborted;
  }
  tasks_.clear();
  if (consumer_) {
    const Status closed = consumer_->close();
    if (result.ok()) result = closed;
  }
  return result;
}

}  // namespace millrace
