#include "millrace/framework/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

#include "millrace/framework/lost_input.h"
#include "millrace/framework/repartition_format.h"

namespace millrace {
namespace {

std::uint64_t new_life() {
  std::random_device source;
  return (static_cast<std::uint64_t>(source()) << 32 | source()) | 1;
}

}  // namespace

std::string TaskId::text() const { return fmt::format("{}_{}", sub_topology, partition); }

std::string_view to_string(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::kOffsets:
      return "taking over";
    case TaskPhase::kRestore:
      return "restoring";
    case TaskPhase::kRunning:
      return "running";
  }
  return "unknown";
}

Task::Task(TaskId id, const TaskEnvironment& environment)
    : id_(id),
      environment_(environment),
      part_(environment.topology.sub_topologies()[static_cast<std::size_t>(id.sub_topology)]),
      phase_began_ms_(environment.clock.monotonic_ms()) {
  context_ = std::make_unique<TaskContext>(TaskContext::Parts{
      environment.clock, environment.log, environment.collector, environment.config.application_id,
      environment.deployment, id.partition, environment.topology.edge_count(),
      environment.config.idle_after.count(), environment.config.guarantee});
  auto& sources = context_->source_partitions;
  for (const TopicName& source : part_.sources) {
    const std::int32_t first = gathers() ? 0 : id.partition;
    const std::int32_t last = gathers() ? context_->partitions(source) - 1 : id.partition;
    for (std::int32_t partition = first; partition <= last; ++partition)
      sources.push_back(std::make_unique<SourcePartition>(
          TopicPartition{context_->resolve(source), partition}, environment.dead_letters,
          context_->counters(), static_cast<std::int32_t>(sources.size())));
  }
}

Task::~Task() = default;

std::string Task::changelog_topic(const std::string& store) const {
  return fmt::format("{}-{}-changelog", environment_.config.application_id, store);
}

// --- take-over: committed offsets, then the changelog's end, then the changelog, then processing

Result<Task::TakeOver> Task::take_over() {
  if (running()) return TakeOver::kRunning;
  auto turn = phase_ == TaskPhase::kOffsets ? read_offsets() : restore_turn();
  // The broker is away, or another thread of this process still has the state.
  if (turn.status().code() == StatusCode::kRetry) return TakeOver::kGoingOn;
  return turn;
}

Result<Task::TakeOver> Task::read_offsets() {
  std::vector<TopicPartition> partitions;
  for (const auto& source : context_->source_partitions) partitions.push_back(source->partition());
  auto committed = environment_.consumer.committed(partitions);
  if (committed.status().code() == StatusCode::kRetry)
    return TakeOver::kBlocked;  // a predecessor's transaction is pending
  if (!committed.ok()) return committed.status();
  taken_ = std::move(*committed);
  taken_metadata_.clear();
  for (const PartitionOffset& offset : taken_) {
    auto metadata = decode_offset_metadata(offset.metadata);
    if (!metadata.ok()) return metadata.status();
    MILLRACE_RETURN_IF_ERROR(
        check_fingerprint(environment_.topology, environment_.config, *metadata));
    if (metadata->run > environment_.deployment.run) return TakeOver::kLaterRun;
    if (metadata->life != 0) life_ = metadata->life;
    taken_metadata_.push_back(std::move(*metadata));
  }
  if (life_ == 0) life_ = new_life();

  if (!context_->state) {
    auto state =
        environment_.state_factory({environment_.config.application_id, id_.text(),
                                    environment_.topology.fingerprint(), part_.stores, life_});
    if (!state.ok()) return state.status();
    context_->state = std::move(*state);
  }
  return start_restore();
}

/// From the positions of the local state to the ends of the changelogs.
Result<Task::TakeOver> Task::start_restore() {
  restores_.clear();
  changelog_positions_.clear();
  std::vector<TopicPartition> changelogs;
  for (const std::string& store : part_.stores)
    changelogs.push_back({changelog_topic(store), id_.partition});
  if (!changelogs.empty()) {
    const auto ends = environment_.admin.list_offsets(changelogs, OffsetSpec::kLatest);
    if (!ends.ok()) return ends.status();
    const auto begins = environment_.admin.list_offsets(changelogs, OffsetSpec::kEarliest);
    if (!begins.ok()) return begins.status();
    for (std::size_t i = 0; i < changelogs.size(); ++i) {
      const std::int64_t begin = (*begins)[i];
      const std::int64_t end = (*ends)[i];
      auto position = fitting_position(part_.stores[i], changelogs[i], begin, end);
      if (!position.ok()) return position.status();
      if (*position > 0 && nothing_committed()) {  // judged by what the changelog has
        MILLRACE_RETURN_IF_ERROR(context_->state->reset(part_.stores[i]));
        *position = 0;
      }
      changelog_positions_.push_back(end);
      if (*position >= end) continue;
      restores_.push_back({part_.stores[i],
                           changelogs[i],
                           end,
                           {id_.text(), part_.stores[i], changelogs[i], *position, end, now_ms()}});
      const PartitionOffset start{changelogs[i], std::max(*position, begin), {}};
      MILLRACE_RETURN_IF_ERROR(environment_.consumer.assign({&start, 1}));
      assigned_.push_back(changelogs[i]);
    }
  }
  phase_ = TaskPhase::kRestore;
  cost_.offsets_ms = now_ms() - std::exchange(phase_began_ms_, now_ms());
  return restore_turn();
}

/// Where the local state ends in the changelog; a state that does not fit it is dropped: the topic
/// was made anew.
Result<std::int64_t> Task::fitting_position(const std::string& store,
                                            const TopicPartition& changelog, std::int64_t begin,
                                            std::int64_t end) {
  const std::int64_t position = context_->state->changelog_position(store);
  if (position == 0 || (position >= begin && position <= end)) return position;
  environment_.log.write(LogLevel::kWarning,
                         "local state does not fit its changelog, restoring it from the start",
                         {{"task", id_.text()},
                          {"store", store},
                          {"topic", changelog.topic},
                          {"partition", changelog.partition},
                          {"offset", position},
                          {"begin", begin},
                          {"end", end}});
  MILLRACE_RETURN_IF_ERROR(context_->state->reset(store));
  return 0;
}

Result<Task::TakeOver> Task::restore_turn() {
  for (Restore& restore : restores_) {
    const std::int64_t before = environment_.consumer.position(restore.changelog);
    if (before >= restore.end) continue;
    restored_.reset();
    const Status status = environment_.consumer.poll(restore.changelog, {4096, 4 << 20}, restored_);
    if (!status.ok() && status.code() != StatusCode::kRetry) return status;
    cost_.records += static_cast<std::int64_t>(restored_.records().size());
    const std::int64_t position = environment_.consumer.position(restore.changelog);
    MILLRACE_RETURN_IF_ERROR(
        context_->state->restore(restore.store, restored_.records(), position));
    restore.progress.add(restored_.records().size(), restored_.bytes(), position, now_ms(),
                         environment_.log);
    if (position < restore.end) return position == before ? TakeOver::kBlocked : TakeOver::kGoingOn;
    restore.progress.finish(now_ms(), environment_.log);
  }
  bool complete = true;
  for (const Restore& restore : restores_) {
    MILLRACE_RETURN_IF_ERROR(context_->state->restored(
        restore.store, environment_.consumer.position(restore.changelog)));
    complete = complete && context_->state->changelog_position(restore.store) >= restore.end;
  }
  if (!assigned_.empty()) MILLRACE_RETURN_IF_ERROR(environment_.consumer.unassign(assigned_));
  assigned_.clear();
  restores_.clear();
  if (!complete) {  // it took too long: begin anew
    start_over();
    return TakeOver::kGoingOn;
  }
  // One transaction writes both, so that neither is there alone.
  if (nothing_committed() && cost_.records > 0 &&
      environment_.config.guarantee == Guarantee::kExactlyOnce)
    return lost_offsets();
  MILLRACE_RETURN_IF_ERROR(open());
  phase_ = TaskPhase::kRunning;
  cost_.restore_ms = now_ms() - phase_began_ms_;
  return TakeOver::kRunning;
}

bool Task::nothing_committed() const {
  return std::ranges::all_of(taken_, [](const PartitionOffset& offset) {
    return offset.offset == PartitionOffset::kNone;
  });
}

Status Task::lost_offsets() const {
  return Status::failed(fmt::format(
      "task {0}: what application '{1}' counted is there, but its committed offsets are not: they "
      "expire when no member is alive for longer than the broker's offsets.retention.minutes, or "
      "were deleted. To read the input from its start would count it twice: set the offsets of "
      "group '{1}' to where it stopped, or start over (millrace reset --application-id {1})",
      id_.text(), environment_.config.application_id));
}

Status Task::open() {
  if (part_.keeps_words()) {
    const RepartitionSpec& spec = environment_.topology.repartition(part_.sources.front().name);
    context_->table = std::make_unique<SourceTable>(
        context_->store(spec.name),
        spec.relays_levels ? SourceTable::Words::kLevels : SourceTable::Words::kWatermarks);
  }
  std::vector<PartitionOffset> starts;
  RunCounters counters;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    SourcePartition& source = *context_->source_partitions[i];
    auto start = start_of(source.partition(), taken_[i].offset, taken_metadata_[i]);
    if (!start.ok()) return start.status();
    source.start(*start, now_ms());
    starts.push_back({source.partition(), start->offset, {}});
    counters.add(taken_metadata_[i].counters);
  }
  context_->counters() = counters;
  committed_counters_ = counters;
  const OffsetMetadata& first = taken_metadata_.front();
  ended_run_ = committed_ended_run_ = part_.keeps_words() && first.ended ? first.run : 0;
  committed_ended_ = false;

  context_->keepers.clear();
  context_->own_sources.reload();
  make_nodes();
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) (*node)->open(*context_);
  committed_counters_ = context_->counters();

  MILLRACE_RETURN_IF_ERROR(environment_.consumer.assign(starts));
  for (const PartitionOffset& start : starts) assigned_.push_back(start.partition);
  return {};
}

/// Where a source partition goes on, from what is committed.
Result<SourcePartition::Start> Task::start_of(const TopicPartition& partition, std::int64_t offset,
                                              const OffsetMetadata& metadata) {
  const std::uint32_t run = environment_.deployment.run;
  SourcePartition::Start start;
  start.offset = offset;
  if (start.offset == PartitionOffset::kNone) {
    auto earliest = environment_.admin.list_offsets({&partition, 1}, OffsetSpec::kEarliest);
    if (!earliest.ok()) return earliest.status();
    start.offset = earliest->front();
  }
  start.highest_ms = metadata.highest_ms;
  start.note = metadata.note;
  if (part_.reads_repartition()) {
    if (!part_.gather) return start;
    start.word = SourceWord{.run = metadata.run};
    if (metadata.run == run) start.word->status = metadata.said;
    start.ended = start.word->status == SourceStatus::kEnded;
    return start;
  }
  if (!environment_.config.until_end) return start;
  // The first owner in this run fixes its end; so does the first bounded one after continuous ones.
  if (metadata.run < run || metadata.end_offset == SourcePartition::kUnbounded) {
    auto end = environment_.admin.list_offsets({&partition, 1}, OffsetSpec::kLatest);
    if (!end.ok()) return end.status();
    if (start.offset > end->front())
      return behind_the_end(partition, start.offset, end->front(), environment_.config);
    start.end_offset = end->front();
  } else {
    start.end_offset = metadata.end_offset;
    start.ended = metadata.ended;
  }
  return start;
}

void Task::make_nodes() {
  nodes_.clear();
  source_nodes_.assign(source_count(), nullptr);
  for (const int index : part_.nodes) {
    const NodeSpec& spec = environment_.topology.nodes()[static_cast<std::size_t>(index)];
    if (!spec.source) {
      nodes_.push_back(spec.recipe(*context_));
      continue;
    }
    auto node = spec.source_recipe(*context_);
    const std::string topic = context_->resolve(*spec.source);
    for (std::size_t i = 0; i < source_count(); ++i)
      if (source(i).partition().topic == topic) {
        source_nodes_[i] = node.get();
        context_->source_partitions[i]->set_many_in_one(node->many_in_one());
      }
    nodes_.push_back(std::move(node));
  }
}

// --- processing

Result<bool> Task::step(std::size_t index) {
  SourcePartition& source = *context_->source_partitions[index];
  RecordBatch& batch = context_->batches().next();
  context_->scratch().reset();
  PollLimit limit = environment_.config.batch;
  limit.records = std::min(limit.records, source_nodes_[index]->most_records());
  const Status polled = environment_.consumer.poll(source.partition(), limit, batch);
  // A poll that met trouble behind good records has delivered those: they are processed first, and
  // a failure comes again.
  const bool failed = polled.code() == StatusCode::kFailed;
  if (failed && batch.empty()) return failed_poll(source, polled);
  if (!polled.ok() && !failed && polled.code() != StatusCode::kRetry) return polled;
  if (!polled.ok() && batch.empty()) return false;
  source.count_read(batch.records(), batch.bytes());
  if (part_.reads_repartition()) hear(source, batch.records());
  MILLRACE_RETURN_IF_ERROR(process(source, batch, *source_nodes_[index]));
  if (const auto seek = source.take_seek())
    MILLRACE_RETURN_IF_ERROR(environment_.consumer.seek(source.partition(), *seek));
  MILLRACE_RETURN_IF_ERROR(environment_.collector.status());
  const bool read = !batch.empty();
  if (read) read_again_ = 0;
  if (gathers())
    MILLRACE_RETURN_IF_ERROR(advance());
  else
    batch.reset();  // what was borrowed goes back while this source may be left alone
  return read;
}

Status Task::process(SourcePartition& source, RecordBatch& batch, SourceNode& node) {
  const NodeMeter::Turn turn(context_->meter(), node.work);
  node.work.batches += batch.empty() ? 0 : 1;
  node.work.read_bytes += batch.bytes();
  MILLRACE_RETURN_IF_ERROR(source.process(batch.records(), batch.arena(), node));
  source.read_up_to(environment_.consumer.position(source.partition()),
                    environment_.consumer.high_watermark(source.partition()), now_ms());
  return source.settle(batch.arena(), node);
}

/// Lets nodes pass on what they held back; an exception behind them is blamed on the record that it
/// came from.
Status Task::advance() {
  try {
    for (const auto& node : nodes_) {
      const NodeMeter::Turn turn(context_->meter(), node->work);
      node->advance();
    }
  } catch (const std::exception& error) {
    under_work().threw(context_->offset_under_work, error.what());
  } catch (...) {
    under_work().threw(context_->offset_under_work, "an exception that is no std::exception");
  }
  for (const auto& source : context_->source_partitions)
    MILLRACE_RETURN_IF_ERROR(source->take_failure());
  return environment_.collector.status();
}

SourcePartition& Task::under_work() const {
  return *context_->source_partitions[static_cast<std::size_t>(context_->source_under_work)];
}

/// Who has slept past its session may find that the next owner has gone on and purged what it would
/// read: no failure, the group will tell. Else input may have been lost.
Result<bool> Task::failed_poll(SourcePartition& source, const Status& failure) {
  const auto committed = environment_.consumer.committed({&source.partition(), 1});
  if (committed.status().code() == StatusCode::kRetry) return committed.status();
  if (!committed.ok()) return failure;
  if (committed->front().offset > source.committed_offset())
    return Status::abort(
        fmt::format("another member has gone on with task {}: {}", id_.text(), failure.message()));
  const auto begin =
      begin_behind_loss(environment_.admin, source, environment_.config, part_.reads_repartition());
  if (!begin.ok()) return begin.status();
  if (*begin == source.position()) {
    // librdkafka 2.0.2 may begin to read where it was when it had the partition before, and that
    // may be gone.
    if (++read_again_ > kMostReadAgain) return failure;
    environment_.log.write(LogLevel::kWarning, "reading a partition anew",
                           {{"task", id_.text()},
                            {"topic", source.partition().topic},
                            {"partition", source.partition().partition},
                            {"offset", *begin},
                            {"error", failure.message()}});
    MILLRACE_RETURN_IF_ERROR(environment_.consumer.seek(source.partition(), *begin));
    return true;
  }
  // What a node still holds would be lost as well at the next restart.
  if (source.held_bytes() > 0) return Status::abort(failure.message());
  environment_.log.write(LogLevel::kWarning,
                         "input was deleted before it was read, going on where its log begins",
                         {{"task", id_.text()},
                          {"topic", source.partition().topic},
                          {"partition", source.partition().partition},
                          {"offset", *begin},
                          {"committed", source.committed_offset()},
                          {"lost", *begin - source.offset()}});
  source.lose_up_to(*begin, now_ms());
  MILLRACE_RETURN_IF_ERROR(environment_.consumer.seek(source.partition(), *begin));
  return true;
}

void Task::hear(SourcePartition& source, std::span<const RecordView> records) {
  for (const RecordView& record : records) {
    const auto decoded = decode_repartition_record(record.value);
    if (!decoded.ok() || decoded->kind != RepartitionKind::kWord) continue;
    if (gathers()) {
      source.hear(decoded->word, environment_.deployment.run);
      continue;
    }
    context_->table->hear(decoded->word);
    if (decoded->word.run > ended_run_) ended_run_ = 0;
  }
}

// --- commit

Status Task::flush() {
  // An idle source may have let others pass.
  if (gathers()) MILLRACE_RETURN_IF_ERROR(advance());
  context_->wants_commit = false;
  const auto threw = [&](std::string_view what) {
    return Status::failed(
        fmt::format("in task {} a function of the topology threw while results were sent: {}",
                    id_.text(), what));
  };
  try {
    flush_nodes();
  } catch (const std::exception& error) {
    return threw(error.what());
  } catch (...) {
    return threw("an exception that is no std::exception");
  }
  tell();
  return {};
}

void Task::flush_nodes() {
  for (const auto& source : context_->source_partitions)
    source->observe(environment_.consumer.high_watermark(source->partition()), now_ms());
  if (!context_->table)
    for (std::size_t i = 0; i < source_count(); ++i) {
      SourceWord word = word_of(i);
      word.source = static_cast<std::int32_t>(i);
      word.sources = static_cast<std::int32_t>(source_count());
      context_->own_sources.hear(word);
    }
  for (std::size_t i = 0; i < source_nodes_.size(); ++i)
    if (i == 0 || source_nodes_[i] != source_nodes_[i - 1]) {
      const NodeMeter::Turn turn(context_->meter(), source_nodes_[i]->work);
      source_nodes_[i]->watermark(level_for(i));
    }
  for (const auto& node : nodes_) {
    const NodeMeter::Turn turn(context_->meter(), node->work);
    node->flush();
  }
  if (context_->table && !behind() && context_->table->status() == SourceStatus::kEnded)
    ended_run_ = context_->table->run();
}

/// Results are due that did not fit into this commit: the end must wait for them.
bool Task::behind() const {
  return std::ranges::any_of(context_->keepers,
                             [](const TimeKeeper* keeper) { return keeper->behind(); });
}

bool Task::ended() const {
  if (context_->table)  // one that stands in a later run waits for a process of that run
    return context_->table->run() > environment_.deployment.run ||
           (ended_run_ != 0 && ended_run_ >= environment_.deployment.run);
  return !behind() && std::ranges::all_of(context_->source_partitions,
                                          [](const auto& source) { return source->ended(); });
}

bool Task::just_ended() const {
  if (!running() || committed_ended_) return false;
  if (ended()) return true;
  return context_->table && context_->table->status() == SourceStatus::kEnded &&
         context_->table->run() >= environment_.deployment.run;
}

/// The event time that a source's chain is told: none without event_time.
std::int64_t Task::level_for(std::size_t index) const {
  const auto& sources = context_->source_partitions;
  if (!context_->table &&
      !std::ranges::all_of(sources, [](const auto& source) { return source->has_time(); }))
    return kNoTime;
  const std::int64_t lateness_ms =
      context_->table ? environment_.topology.repartition(part_.sources[index].name).lateness_ms
                      : sources[index]->lateness_ms();
  return context_->sources().level(environment_.clock.wall_ms(), lateness_ms).closes;
}

/// What one of its own input partitions says of time.
SourceWord Task::word_of(std::size_t index) const {
  const SourcePartition& source = *context_->source_partitions[index];
  return {.run = environment_.deployment.run,
          .watermark_ms = source.watermark_ms(),
          .status = source.status(now_ms(), environment_.config.idle_after.count()),
          .settled_ms = source.watermark_ms()};
}

std::vector<SourceWord> Task::words() const {
  const std::int64_t wall_ms = environment_.clock.wall_ms();
  const std::int32_t tasks = environment_.deployment.partitions.at(context_->resolve(part_.lead()));
  std::vector<SourceWord> words;
  if (!context_->table) {
    const auto topics = static_cast<std::int32_t>(source_count());
    for (std::int32_t i = 0; i < topics; ++i) {
      SourceWord& word = words.emplace_back(word_of(static_cast<std::size_t>(i)));
      word.source = i * tasks + id_.partition;
      word.sources = topics * tasks;
      if (word.status == SourceStatus::kEnded && behind()) word.status = SourceStatus::kActive;
    }
    return words;
  }
  const SourceTable& table = *context_->table;
  SourceWord word{.source = id_.partition, .sources = tasks, .run = table.run()};
  word.status = ended_run_ != 0 && ended_run_ == table.run() ? SourceStatus::kEnded
                : table.status() == SourceStatus::kIdle      ? SourceStatus::kIdle
                                                             : SourceStatus::kActive;
  const std::int64_t lateness_ms =
      environment_.topology.repartition(part_.sources.front().name).lateness_ms;
  word.settled_ms = table.settled();
  word.watermark_ms = table.level(wall_ms, lateness_ms).closes;
  for (const TimeKeeper* keeper : context_->keepers) keeper->limit(word);
  // The wall clock goes on without a word: the receiver adds it itself to what an idle source says.
  if (word.status == SourceStatus::kIdle)
    word.watermark_ms = std::min(word.watermark_ms, table.settled());
  words.push_back(word);
  return words;
}

void Task::tell() {
  const bool tells = std::ranges::any_of(part_.sinks, [](const TopicName& sink) {
    return sink.kind == TopicName::Kind::kRepartition;
  });
  if (!tells) return;
  std::vector<SourceWord> now = words();
  if (now == told_) return;
  std::string value;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i < told_.size() && now[i] == told_[i]) continue;
    value.clear();
    encode_source_word(now[i], value);
    for (const TopicName& sink : part_.sinks) {
      if (sink.kind != TopicName::Kind::kRepartition) continue;
      const std::string topic = context_->resolve(sink);
      const bool gathered = environment_.topology.repartition(sink.name).gathered;
      const std::int32_t first = gathered ? id_.partition : 0;
      const std::int32_t last = gathered ? first : context_->partitions(sink) - 1;
      for (std::int32_t partition = first; partition <= last; ++partition)
        environment_.collector.send(
            {.topic = topic, .partition = partition, .key = {}, .value = value});
    }
  }
  told_ = std::move(now);
}

Status Task::prepare() {
  class Writer final : public ChangelogWriter {
   public:
    explicit Writer(const Task& task) : task_(task) {}
    Status write(std::string_view store, std::string_view key, std::string_view value) override {
      if (store != store_) {
        store_ = store;
        topic_ = task_.changelog_topic(store_);
      }
      task_.environment_.collector.send(
          {.topic = topic_, .partition = task_.id_.partition, .key = key, .value = value});
      return task_.environment_.collector.status();
    }

   private:
    const Task& task_;
    std::string store_;
    std::string topic_;
  };
  Writer writer(*this);
  return context_->state->prepare(writer);
}

bool Task::changed() const {
  for (const auto& source : context_->source_partitions)
    if (source->offset() != source->committed_offset()) return true;
  return ended_run_ != committed_ended_run_ || told_ != committed_told_ ||
         context_->state->changed() || context_->counters() != committed_counters_ ||
         ended() != committed_ended_;
}

void Task::offsets(std::uint64_t commit_id, const std::string& writer,
                   std::vector<PartitionOffset>& out) const {
  bool first = true;
  for (const auto& source : context_->source_partitions) {
    OffsetMetadata metadata;
    metadata.highest_ms = source->highest_ms();
    metadata.life = life_;
    metadata.commit_id = commit_id;
    metadata.topology = environment_.topology.fingerprint();
    metadata.writer = writer;
    if (context_->table) {
      metadata.run = ended_run_ != 0 ? ended_run_ : context_->table->run();
      metadata.ended = ended_run_ != 0;
    } else {
      metadata.run = environment_.deployment.run;
      metadata.end_offset = source->end_offset();
      metadata.ended = source->ended() && !behind();
      metadata.note = source->note();
      if (const auto word = source->word_at_offset()) {
        metadata.run = word->run;
        metadata.said = word->status;
      }
    }
    if (first) metadata.counters = context_->counters();
    first = false;
    out.push_back({source->partition(), source->offset(), encode_offset_metadata(metadata)});
  }
}

Status Task::committed(const Producer& producer) {
  for (std::size_t i = 0; i < part_.stores.size(); ++i)
    if (const auto offset =
            producer.delivered_offset({changelog_topic(part_.stores[i]), id_.partition}))
      changelog_positions_[i] = std::max(changelog_positions_[i], *offset + 1);
  MILLRACE_RETURN_IF_ERROR(context_->state->apply(changelog_positions_));
  const std::int64_t wall_ms = environment_.clock.wall_ms();
  DurationHistogram& ages = environment_.ages[static_cast<std::size_t>(id_.sub_topology)];
  for (const auto& source : context_->source_partitions) {
    source->committed();
    source->count_ages(wall_ms, ages);
  }
  for (const auto& node : nodes_) node->committed();
  committed_ended_run_ = ended_run_;
  committed_ended_ = ended();
  committed_counters_ = context_->counters();
  committed_told_ = told_;
  return {};
}

Status Task::rewind() {
  context_->state->discard();
  if (context_->table) context_->table->reload();
  context_->own_sources.reload();
  context_->counters() = committed_counters_;
  ended_run_ = committed_ended_run_;
  told_ = committed_told_;
  for (const auto& source : context_->source_partitions) {
    source->rewind(now_ms());
    MILLRACE_RETURN_IF_ERROR(environment_.consumer.seek(source->partition(), source->offset()));
  }
  for (const auto& node : nodes_) node->aborted();
  return {};
}

TaskStatus Task::status() const {
  TaskStatus result;
  result.id = id_;
  result.phase = phase_;
  const std::int64_t at_ms = now_ms();
  if (phase_ == TaskPhase::kRestore)
    for (const Restore& restore : restores_)
      result.restores.push_back(restore.progress.status(at_ms));
  if (!running()) return result;
  result.counters = committed_counters_;
  for (const std::string& store : part_.stores)
    if (const auto bytes = context_->state->bytes(store)) result.stores.push_back({store, *bytes});
  for (const std::string& store : part_.stores)
    result.committed.emplace(store, context_->state->committed(store));
  for (const auto& source : context_->source_partitions)
    result.partitions.push_back(
        {.partition = source->partition(),
         .position = source->position(),
         .committed = source->committed_offset(),
         .high_watermark = environment_.consumer.high_watermark(source->partition()).value_or(-1),
         .highest_ms = source->highest_ms(),
         .watermark_ms = source->watermark_ms(),
         .status = source->status(at_ms, environment_.config.idle_after.count()),
         .told = source->told(),
         .stalled = false,
         .waiting_bytes = source->waiting_bytes(),
         .held_bytes = source->held_bytes(),
         .read_records = source->read_records(),
         .read_bytes = source->read_bytes()});
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    NodeStatus& node = result.nodes.emplace_back(NodeStatus{part_.nodes[i], {}, nodes_[i]->work});
    nodes_[i]->count_records(node.records);
  }
  return result;
}

void Task::add_memory(MemoryUsage& usage) const {
  usage[MemoryOwner::kChanges] += pending_bytes();
  usage[MemoryOwner::kBatches] += context_->batches().reserved_bytes() +
                                  context_->scratch().reserved_bytes() + restored_.reserved_bytes();
  for (const auto& source : context_->source_partitions)
    usage[MemoryOwner::kWaiting] += source->waiting_bytes() + source->refused_bytes();
}

void Task::start_over() {
  release();
  context_->state.reset();
  context_->wants_commit = false;
  phase_ = TaskPhase::kOffsets;
  phase_began_ms_ = now_ms();
  cost_ = {};
  told_.clear();
  committed_told_.clear();
}

void Task::release() {
  if (assigned_.empty()) return;
  if (const Status status = environment_.consumer.unassign(assigned_); !status.ok())
    environment_.log.write(LogLevel::kWarning, "could not stop fetching",
                           {{"task", id_.text()}, {"error", status.message()}});
  assigned_.clear();
}

}  // namespace millrace
