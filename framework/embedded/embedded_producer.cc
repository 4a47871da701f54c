#include "millrace/framework/embedded/embedded_producer.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::embedded {
namespace {

constexpr std::size_t kBatchBytes = 64 << 10;

}  // namespace

Status EmbeddedProducer::check_registered() const {
  if (!transactional())
    return Status::invalid(
        "this producer has no transactional id: it takes part in no transactions");
  if (!registration_)
    return Status::invalid(fmt::format("transactional id '{}': call init_transactions() first",
                                       options_.transactional_id));
  return {};
}

Status EmbeddedProducer::init_transactions() {
  if (!transactional()) return check_registered();
  core_.transactions.expire();
  auto registration = core_.transactions.register_producer(options_.transactional_id,
                                                           options_.transaction_timeout.count());
  if (!registration.ok()) return registration.status();
  registration_ = std::move(*registration);
  drop_all();
  open_ = false;
  return {};
}

Status EmbeddedProducer::begin() {
  MILLRACE_RETURN_IF_ERROR(check_registered());
  core_.transactions.expire();
  MILLRACE_RETURN_IF_ERROR(core_.transactions.begin(*registration_));
  open_ = true;
  return {};
}

Result<EmbeddedProducer::Destination*> EmbeddedProducer::destination(const OutgoingRecord& record) {
  auto found = destinations_.find(record.topic);
  if (found != destinations_.end() && found->second.front().log->deleted()) {
    forget(found->second);
    destinations_.erase(found);
    found = destinations_.end();
  }
  if (found == destinations_.end()) {
    const auto topic = core_.topics.find(record.topic);
    if (topic == nullptr)
      return Status::failed(fmt::format("topic '{}' does not exist", record.topic));
    std::vector<Destination> partitions;
    for (const auto& log : topic->logs) partitions.push_back({log, {}, std::nullopt});
    found = destinations_.emplace(record.topic, std::move(partitions)).first;
  }
  auto& partitions = found->second;
  if (record.partition < 0 || static_cast<std::size_t>(record.partition) >= partitions.size())
    return Status::failed(fmt::format("topic '{}' has no partition {}, it has {}", record.topic,
                                      record.partition, partitions.size()));
  return &partitions[static_cast<std::size_t>(record.partition)];
}

/// Drops what is queued for a topic that has been deleted; it may have been created anew since.
void EmbeddedProducer::forget(std::vector<Destination>& partitions) {
  for (Destination& to : partitions)
    if (std::erase(waiting_, &to) > 0) (void)hand_over(to);  // fails, and says so at the flush
}

Status EmbeddedProducer::produce(const OutgoingRecord& record) {
  if (transactional() && !open_)
    return Status::invalid(fmt::format("transactional id '{}': produce() needs begin() first",
                                       options_.transactional_id));
  auto found = destination(record);
  if (!found.ok()) return found.status();
  Destination& to = **found;
  const TopicConfigs& configs = to.log->configs();
  if (configs.compacted && record.key.data() == nullptr)
    return Status::failed(
        fmt::format("topic '{}' is compacted: its records need keys", record.topic));
  const bool stamp = configs.append_time || record.timestamp_ms == RecordView::kNoTimestamp;
  to.pending.add(record, stamp ? core_.options.clock.wall_ms() : record.timestamp_ms);
  if (const std::size_t size = to.pending.last_bytes();
      size > static_cast<std::size_t>(configs.max_message_bytes)) {
    to.pending.drop_last();
    return Status::failed(
        fmt::format("topic '{}': a record of {} bytes is larger than max.message.bytes={}: raise "
                    "the topic's limit or send smaller records",
                    record.topic, size, configs.max_message_bytes));
  }
  queued_bytes_ += to.pending.last_bytes();
  if (to.pending.count() == 1) waiting_.push_back(&to);
  if (to.pending.bytes() < kBatchBytes) return {};
  std::erase(waiting_, &to);
  core_.transactions.expire();
  return hand_over(to);
}

Status EmbeddedProducer::hand_over(Destination& to) {
  const auto last = transactional() ? core_.transactions.append(*registration_, to.log, to.pending)
                                    : to.log->append(to.pending, PartitionLog::kNoTransaction);
  queued_bytes_ -= to.pending.bytes();
  to.pending.clear();
  if (!last.ok()) {
    const Status status(last.status().code(),
                        fmt::format("partition {}-{}: {}", to.log->name().topic,
                                    to.log->name().partition, last.status().message()));
    if (failure_.ok()) failure_ = status;
    return status;
  }
  to.delivered = *last;
  core_.news.raise();
  return {};
}

void EmbeddedProducer::hand_over_all() {
  if (waiting_.empty()) return;
  core_.transactions.expire();
  // What fails is kept in failure_, for the flush or the commit.
  for (Destination* const to : std::exchange(waiting_, {})) (void)hand_over(*to);
}

void EmbeddedProducer::drop_all() {
  waiting_.clear();
  queued_bytes_ = 0;
  failure_ = {};
  for (auto& [topic, partitions] : destinations_)
    for (Destination& to : partitions) to.pending.clear();
}

void EmbeddedProducer::poll(std::chrono::milliseconds) { hand_over_all(); }

Status EmbeddedProducer::flush(std::chrono::milliseconds) {
  hand_over_all();
  return std::exchange(failure_, {});
}

Status EmbeddedProducer::send_offsets(std::span<const PartitionOffset> offsets,
                                      const GroupMetadata& group) {
  MILLRACE_RETURN_IF_ERROR(check_registered());
  const auto* const credentials = dynamic_cast<const EmbeddedGroupMetadata*>(&group);
  if (credentials == nullptr)
    return Status::invalid("these group credentials are not the embedded broker's");
  core_.transactions.expire();
  return core_.transactions.send_offsets(*registration_, offsets, *credentials);
}

Status EmbeddedProducer::commit() {
  MILLRACE_RETURN_IF_ERROR(check_registered());
  hand_over_all();
  core_.transactions.expire();
  if (!failure_.ok())
    return failure_.code() == StatusCode::kFenced ? failure_ : Status::abort(failure_.message());
  MILLRACE_RETURN_IF_ERROR(core_.transactions.end(*registration_, true));
  open_ = false;
  return {};
}

Status EmbeddedProducer::abort() {
  MILLRACE_RETURN_IF_ERROR(check_registered());
  drop_all();
  core_.transactions.expire();
  MILLRACE_RETURN_IF_ERROR(core_.transactions.end(*registration_, false));
  open_ = false;
  return {};
}

std::optional<std::int64_t> EmbeddedProducer::delivered_offset(
    const TopicPartition& partition) const {
  const auto found = destinations_.find(partition.topic);
  if (found == destinations_.end() || partition.partition < 0 ||
      static_cast<std::size_t>(partition.partition) >= found->second.size())
    return std::nullopt;
  return found->second[static_cast<std::size_t>(partition.partition)].delivered;
}

}  // namespace millrace::embedded
