#include "millrace/framework/embedded/embedded_consumer.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::embedded {
namespace {

std::string text_of(const TopicPartition& partition) {
  return fmt::format("{}-{}", partition.topic, partition.partition);
}

Status not_assigned(const TopicPartition& partition) {
  return Status::invalid(
      fmt::format("partition {} is not assigned to this consumer", text_of(partition)));
}

}  // namespace

EmbeddedConsumer::~EmbeddedConsumer() = default;

Status EmbeddedConsumer::subscribe(const std::vector<std::string>& lead_topics) {
  if (options_.group_id.empty())
    return Status::invalid("this consumer has no group id: only assign() works without one");
  if (lead_topics.empty())
    return Status::invalid(
        fmt::format("group '{}': a subscription needs at least one topic", options_.group_id));
  for (const std::string& topic : lead_topics)
    if (core_.topics.find(topic) == nullptr)
      return Status::not_found(
          fmt::format("topic '{}' does not exist: create it before subscribing", topic));
  lead_topics_ = {lead_topics.begin(), lead_topics.end()};
  return {};
}

Status EmbeddedConsumer::serve() {
  core_.transactions.expire();
  if (lead_topics_.empty()) return {};
  const std::int32_t generation = metadata_ ? metadata_->generation : -1;
  if (member_id_.empty()) {
    auto joined = core_.groups.join(options_, lead_topics_);
    if (!joined.ok()) return joined.status();
    member_id_ = std::move(*joined);
  }
  auto view = core_.groups.serve(options_.group_id, member_id_);
  if (!view.ok() || !*view) {
    // Out of the group. The caller sees it now; the next call joins again.
    if (membership_.joined) show(false, {});
    metadata_.reset();
    if (!view.ok()) return view.status();
    member_id_.clear();
    return {};
  }
  if (generation != (**view).generation)
    metadata_ =
        std::make_shared<EmbeddedGroupMetadata>(options_.group_id, member_id_, (**view).generation);
  if (!membership_.joined || generation != (**view).generation ||
      membership_.owned != (**view).owned) {
    show(true, **view);
    core_.news.raise();  // the other members may have to answer
  }
  return {};
}

void EmbeddedConsumer::show(bool joined, const MemberView& view) {
  membership_.joined = joined;
  membership_.owned = view.owned;
  ++membership_.version;
}

std::shared_ptr<const GroupMetadata> EmbeddedConsumer::group_metadata() { return metadata_; }

Status EmbeddedConsumer::assign(std::span<const PartitionOffset> partitions) {
  std::map<TopicPartition, Fetch> added;
  for (const PartitionOffset& start : partitions) {
    if (fetches_.contains(start.partition) || added.contains(start.partition))
      return Status::invalid(
          fmt::format("partition {} is assigned already", text_of(start.partition)));
    if (start.offset < 0)
      return Status::invalid(fmt::format("partition {} cannot be read from offset {}",
                                         text_of(start.partition), start.offset));
    auto log = core_.topics.log(start.partition);
    if (!log.ok()) return log.status();
    added[start.partition] = {std::move(*log), start.offset, std::nullopt, {}};
  }
  fetches_.merge(added);
  more_ = true;
  return {};
}

Status EmbeddedConsumer::unassign(std::span<const TopicPartition> partitions) {
  for (const TopicPartition& partition : partitions)
    if (!fetches_.contains(partition)) return not_assigned(partition);
  for (const TopicPartition& partition : partitions) fetches_.erase(partition);
  return {};
}

Status EmbeddedConsumer::seek(const TopicPartition& partition, std::int64_t offset) {
  const auto found = fetches_.find(partition);
  if (found == fetches_.end()) return not_assigned(partition);
  found->second = {found->second.log, offset, std::nullopt, {}};
  more_ = true;
  return {};
}

Status EmbeddedConsumer::poll(const TopicPartition& partition, const PollLimit& limit,
                              RecordBatch& batch) {
  core_.transactions.expire();
  const auto found = fetches_.find(partition);
  if (found == fetches_.end()) return not_assigned(partition);
  Fetch& fetch = found->second;
  const std::size_t first_record = batch.records().size();
  while (true) {
    MILLRACE_RETURN_IF_ERROR(
        fetch.log->read(fetch.position, options_.read_committed, fetch.cursor, readable_));
    fetch.high_watermark = readable_.end;
    if (readable_.bytes.empty()) {
      const bool done = fetch.position >= readable_.resume || readable_.resume == readable_.limit;
      fetch.position = std::max(fetch.position, readable_.resume);
      if (done) return {};
    } else if (deliver(fetch, readable_, limit, first_record, batch)) {
      more_ = true;
      return {};
    }
  }
}

bool EmbeddedConsumer::deliver(Fetch& fetch, const Readable& readable, const PollLimit& limit,
                               std::size_t first_record, RecordBatch& batch) {
  auto aborted = readable.aborted.begin();
  std::string_view rest = readable.bytes;
  std::size_t bytes = 0;
  for (const RecordView& record : batch.records().subspan(first_record))
    bytes += record.key.size() + record.value.size();
  LogRecord record;
  while (!rest.empty()) {
    std::string_view behind = rest;
    MILLRACE_CHECK(parse_record(behind, record), "the log holds whole records");
    if (record.offset >= readable.limit) {
      fetch.position = readable.limit;
      return false;  // the next look at the log finds that there is no more
    }
    while (aborted != readable.aborted.end() && aborted->second <= record.offset) ++aborted;
    const bool skipped = record.offset < fetch.position ||
                         (aborted != readable.aborted.end() && aborted->first <= record.offset);
    if (!skipped) {
      const std::size_t count = batch.records().size() - first_record;
      const std::size_t size = record.key.size() + record.value.size();
      if (count > 0 && (count >= limit.records || bytes + size > limit.bytes)) return true;
      if (record.header_count > 0) parse_headers(record, headers_);
      batch.append(
          record.key, record.value, record.offset, record.timestamp_ms,
          record.header_count > 0 ? std::span<const Header>(headers_) : std::span<const Header>());
      bytes += size;
    }
    fetch.cursor.at += rest.size() - behind.size();
    fetch.position = std::max(fetch.position, record.offset + 1);
    rest = behind;
  }
  return false;
}

std::int64_t EmbeddedConsumer::position(const TopicPartition& partition) const {
  const auto found = fetches_.find(partition);
  return found == fetches_.end() ? PartitionOffset::kNone : found->second.position;
}

std::optional<std::int64_t> EmbeddedConsumer::high_watermark(
    const TopicPartition& partition) const {
  const auto found = fetches_.find(partition);
  return found == fetches_.end() ? std::nullopt : found->second.high_watermark;
}

void EmbeddedConsumer::wait(std::chrono::milliseconds timeout) {
  if (!core_.options.blocking_waits) timeout = std::chrono::milliseconds(0);
  if (std::exchange(more_, false)) timeout = std::chrono::milliseconds(0);
  seen_news_ = core_.news.wait(seen_news_, timeout, [&] { return woken_.load(); });
  woken_ = false;
}

void EmbeddedConsumer::wakeup() {
  woken_ = true;
  core_.news.raise();
}

Result<std::vector<PartitionOffset>> EmbeddedConsumer::committed(
    std::span<const TopicPartition> partitions) {
  if (options_.group_id.empty())
    return Status::invalid("this consumer has no group id, so nothing is committed for it");
  core_.transactions.expire();
  return core_.groups.committed(options_.group_id, partitions);
}

Status EmbeddedConsumer::commit(std::span<const PartitionOffset> offsets) {
  if (metadata_ == nullptr)
    return Status::abort(
        fmt::format("group '{}': this consumer is not a member", options_.group_id));
  return core_.groups.commit(*metadata_, offsets);
}

Status EmbeddedConsumer::close() {
  if (!member_id_.empty() && options_.group_instance_id.empty()) {
    core_.groups.leave(options_.group_id, member_id_);
    core_.news.raise();
  }
  if (membership_.joined) show(false, {});
  member_id_.clear();
  lead_topics_.clear();
  metadata_.reset();
  fetches_.clear();
  return {};
}

}  // namespace millrace::embedded
