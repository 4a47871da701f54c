#include "millrace/framework/kafka/kafka_consumer.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "millrace/framework/check.h"
#include "millrace/framework/kafka/kafka_committed.h"
#include "millrace/framework/kafka/kafka_errors.h"
#include "millrace/framework/kafka/kafka_message.h"

namespace millrace::kafka {
namespace {

constexpr std::size_t kMostPerCall = 1024;
constexpr std::chrono::milliseconds kCloseTimeout{5'000};
constexpr std::chrono::milliseconds kCommitTimeout{5'000};
constexpr int kFirstVersionWithFetchBackoff = 0x020200ff;  // fetch.queue.backoff.ms
constexpr std::uint64_t kWake = 1;

std::string name_of(const TopicPartition& partition) {
  return fmt::format("topic '{}', partition {}", partition.topic, partition.partition);
}

/// The generation in librdkafka's group metadata, which has no accessor for it: read from its
/// serialized form, "CGMDv2:" and an int32. Unknown forms pass.
bool has_generation(const rd_kafka_consumer_group_metadata_t& group) {
  constexpr std::string_view kMagic = "CGMDv2:";
  void* bytes = nullptr;
  std::size_t size = 0;
  if (rd_kafka_error_t* error = rd_kafka_consumer_group_metadata_write(&group, &bytes, &size)) {
    rd_kafka_error_destroy(error);
    return false;
  }
  std::int32_t generation = 0;
  if (size >= kMagic.size() + sizeof generation &&
      std::memcmp(bytes, kMagic.data(), kMagic.size()) == 0) {
    std::memcpy(&generation, static_cast<const char*>(bytes) + kMagic.size(), sizeof generation);
  }
  rd_kafka_mem_free(nullptr, bytes);
  return generation >= 0;
}

}  // namespace

Result<std::unique_ptr<Consumer>> KafkaConsumer::create(Conf conf, const ConsumerOptions& options,
                                                        std::shared_ptr<ClientWatch> watch,
                                                        Admin& admin) {
  std::unique_ptr<KafkaConsumer> consumer{
      new KafkaConsumer{std::move(conf), options, std::move(watch), admin}};
  if (consumer->wake_fd_ < 0)
    return Status::failed(fmt::format("eventfd: {}", std::strerror(errno)));
  if (Status status = consumer->connect(); !status.ok()) return status;
  return std::unique_ptr<Consumer>{std::move(consumer)};
}

KafkaConsumer::KafkaConsumer(Conf conf, const ConsumerOptions& options,
                             std::shared_ptr<ClientWatch> watch, Admin& admin)
    : conf_(std::move(conf)),
      options_(options),
      most_records_(number_of(conf_, "queued.min.messages")),
      most_bytes_(number_of(conf_, "queued.max.messages.kbytes") * 1024),
      watch_(std::move(watch)),
      admin_(admin),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      batch_(kMostPerCall) {}

KafkaConsumer::~KafkaConsumer() {
  disconnect();
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

Status KafkaConsumer::connect() {
  Result<std::shared_ptr<Client>> client =
      Client::create(RD_KAFKA_CONSUMER, Conf{rd_kafka_conf_dup(conf_.get())}, watch_, *this);
  if (!client.ok()) return client.status();
  client_ = std::move(*client);
  lender_ = message_lender(client_);
  rd_kafka_t* handle = client_->handle();
  rd_kafka_poll_set_consumer(handle);
  group_queue_.reset(rd_kafka_queue_get_consumer(handle));
  refill_queue_.reset(rd_kafka_queue_new(handle));
  rd_kafka_queue_io_event_enable(group_queue_.get(), wake_fd_, &kWake, sizeof kWake);
  return {};
}

void KafkaConsumer::disconnect() {
  for (auto& [partition, from] : fetched_) {
    if (from.queue != nullptr) rd_kafka_queue_io_event_enable(from.queue.get(), -1, nullptr, 0);
    from.queue.reset();
    from.waiting.clear();
  }
  if (group_queue_ != nullptr) rd_kafka_queue_io_event_enable(group_queue_.get(), -1, nullptr, 0);
  refill_queue_.reset();
  group_queue_.reset();
  lender_.reset();
  // Destroying one that was to join but never got an assignment trips an assertion in librdkafka
  // 2.0.2 (rd_kafka_sticky_assignor_state_destroy).
  if (client_ != nullptr && !topics_.empty() && !assigned_) client_->abandon();
  assigned_ = false;
  client_.reset();
}

Status KafkaConsumer::subscribe(const std::vector<std::string>& lead_topics) {
  if (options_.group_id.empty()) return Status::invalid("subscribe: the consumer has no group.id");
  topics_ = lead_topics;
  const PartitionList topics{
      rd_kafka_topic_partition_list_new(static_cast<int>(lead_topics.size()))};
  for (const std::string& topic : lead_topics) {
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  return to_status(rd_kafka_subscribe(client_->handle(), topics.get()), Call::kConsume,
                   fmt::format("subscribe in group '{}'", options_.group_id));
}

Status KafkaConsumer::serve() {
  if (closed_) return {};
  rd_kafka_t* handle = client_->handle();
  while (const Message message{rd_kafka_consumer_poll(handle, 0)}) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Status::failed(
          fmt::format("topic '{}', partition {}: a record came outside of the partition's queue",
                      rd_kafka_topic_name(message->rkt), message->partition));
    }
    on_error(message->err, rd_kafka_message_errstr(message.get()));
  }
  std::array<char, 512> text{};
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(handle, text.data(), text.size());
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (membership_.joined) left();
    if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
      const Result<bool> rival = has_rival();
      if (!rival.ok()) return rival.status();
      if (!*rival) return join_anew();
    }
    return to_status(fatal, Call::kConsume, fmt::format("group '{}'", options_.group_id),
                     text.data());
  }
  if (trouble_.code() != StatusCode::kRetry) return std::exchange(trouble_, {});
  if (reaches_broker()) trouble_ = {};
  return trouble_;
}

/// Whether a connection is up, as seen once a second. librdkafka tells of trouble with any of them,
/// then for 30 s no more of the same, and never of its end.
bool KafkaConsumer::reaches_broker() {
  constexpr int kTimeoutMs = 300;
  constexpr std::chrono::seconds kPause{1};
  if (topics_.empty() || std::chrono::steady_clock::now() < next_look_) return false;
  // What times out has been sent, on a connection: an answer may have to wait for many records.
  if (ask(topics_.front(), kTimeoutMs) != RD_KAFKA_RESP_ERR__TRANSPORT) return true;
  next_look_ = std::chrono::steady_clock::now() + kPause;
  return false;
}

/// Whether another member has this one's instance id. librdkafka 2.0.2 says so also when it gave
/// its session up by itself, while the broker was away: its heartbeats then carry no member id.
Result<bool> KafkaConsumer::has_rival() {
  const Result<GroupDescription> group = admin_.describe_group(options_.group_id);
  if (!group.ok()) return group.status();
  return std::any_of(group->members.begin(), group->members.end(), [this](const GroupMember& each) {
    return each.instance_id == options_.group_instance_id && each.member_id != member_id_;
  });
}

/// The client is dead, the member need not be. What it fetched is gone, and is to be assigned anew.
Status KafkaConsumer::join_anew() {
  watch_->write(LogLevel::kWarning,
                "librdkafka gave up a member that nobody replaced: joining anew",
                options_.client_id, "REJOIN");
  disconnect();
  learnt_.clear();
  poked_ = false;
  left();
  if (Status status = connect(); !status.ok()) return status;
  return subscribe(topics_);
}

void KafkaConsumer::on_error(rd_kafka_resp_err_t error, const char* text) {
  if (error == RD_KAFKA_RESP_ERR__FATAL) return;  // serve() asks for it
  if (error == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {
    // A membership lost and joined again: the rebalance tells.
    watch_->write(LogLevel::kWarning, text, options_.client_id, "MAXPOLL");
    return;
  }
  const Status status =
      to_status(error, Call::kConsume, fmt::format("group '{}'", options_.group_id), text);
  if (trouble_.ok() || trouble_.code() == StatusCode::kRetry) trouble_ = status;
}

void KafkaConsumer::on_rebalance(rd_kafka_resp_err_t what,
                                 rd_kafka_topic_partition_list_t& partitions) {
  rd_kafka_t* handle = client_->handle();
  std::vector<OwnedPartition>& owned = membership_.owned;
  const bool assigned = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  assigned_ = assigned_ || assigned;
  if (assigned) {
    for (int i = 0; i < partitions.cnt; ++i) {
      owned.push_back(
          {{partitions.elems[i].topic, partitions.elems[i].partition}, ++acquisitions_});
    }
    std::sort(owned.begin(), owned.end(), [](const OwnedPartition& a, const OwnedPartition& b) {
      return a.partition < b.partition;
    });
  } else {
    for (int i = 0; i < partitions.cnt; ++i) {
      const TopicPartition gone{partitions.elems[i].topic, partitions.elems[i].partition};
      std::erase_if(owned, [&gone](const OwnedPartition& each) { return each.partition == gone; });
    }
  }
  ++membership_.version;
  if (closed_ || what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    const bool lost = closed_ || what != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS ||
                      rd_kafka_assignment_lost(handle) != 0;
    lost ? left() : snapshot_group();
  } else {
    snapshot_group();
  }
  // Only the acknowledgement that the protocol waits for. With nothing in it, fetching stays as
  // assign() left it.
  const PartitionList nothing{rd_kafka_topic_partition_list_new(0)};
  rd_kafka_error_t* error = assigned ? rd_kafka_incremental_assign(handle, nothing.get())
                                     : rd_kafka_incremental_unassign(handle, nothing.get());
  if (Status status = to_status(error, Call::kConsume, "acknowledging a rebalance"); !status.ok())
    trouble_ = status;
}

void KafkaConsumer::left() {
  membership_.joined = false;
  membership_.owned.clear();
  ++membership_.version;
  group_metadata_ = nullptr;
}

/// A member that the group had given up gets another id when it joins again. Cooperative librdkafka
/// 2.0.2 does not always tell that its partitions were lost before: it may claim them in that join
/// and keep them, though others have owned them meanwhile. They count as acquired anew.
void KafkaConsumer::become(std::string id) {
  if (!member_id_.empty() && id != member_id_ && !membership_.owned.empty()) {
    watch_->write(LogLevel::kInfo,
                  "the group had given this member up: what it owns now is taken over anew",
                  options_.client_id, "MEMBER");
    for (OwnedPartition& each : membership_.owned) each.acquired = ++acquisitions_;
  }
  member_id_ = std::move(id);
}

/// Taken in the callback and kept until the next: what librdkafka knows by itself may already be
/// the generation after, or, when it has just been expelled, none, which the broker would accept
/// without any check.
void KafkaConsumer::snapshot_group() {
  RawGroupMetadata raw{rd_kafka_consumer_group_metadata(client_->handle())};
  if (raw == nullptr || !has_generation(*raw)) {
    left();
    return;
  }
  membership_.joined = true;
  if (char* id = rd_kafka_memberid(client_->handle())) {
    if (*id != '\0') become(id);  // else its session was given up meanwhile
    rd_kafka_mem_free(client_->handle(), id);
  }
  group_metadata_ = std::make_shared<KafkaGroupMetadata>(std::move(raw));
}

/// For the leaders of a topic that it does not know librdkafka looks once a second; asked, it has
/// them at once. Whether that succeeds does not matter.
void KafkaConsumer::learn(const std::string& topic) {
  constexpr int kTimeoutMs = 1'000;
  if (learnt_.insert(topic).second) ask(topic, kTimeoutMs);
}

/// Asks any broker about a topic.
rd_kafka_resp_err_t KafkaConsumer::ask(const std::string& topic, int timeout_ms) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client_->handle(), topic.c_str(), nullptr);
  if (handle == nullptr) return rd_kafka_last_error();
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client_->handle(), 0, handle, &metadata, timeout_ms);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return error;
}

Status KafkaConsumer::assign(std::span<const PartitionOffset> partitions) {
  rd_kafka_t* handle = client_->handle();
  for (const PartitionOffset& each : partitions) {
    MILLRACE_CHECK(!fetched_.contains(each.partition), "a partition is assigned once");
    learn(each.partition.topic);
    Fetched from;
    from.queue.reset(rd_kafka_queue_get_partition(handle, each.partition.topic.c_str(),
                                                  each.partition.partition));
    if (from.queue == nullptr)
      return Status::failed(name_of(each.partition) + ": librdkafka has no queue for it");
    rd_kafka_queue_io_event_enable(from.queue.get(), wake_fd_, &kWake, sizeof kWake);
    fetched_.emplace(each.partition, std::move(from));
  }
  return start(partitions);
}

Status KafkaConsumer::unassign(std::span<const TopicPartition> partitions) {
  Status status = stop(partitions);
  for (const TopicPartition& partition : partitions) {
    const auto at = fetched_.find(partition);
    if (at->second.queue != nullptr)
      rd_kafka_queue_io_event_enable(at->second.queue.get(), -1, nullptr, 0);
    fetched_.erase(at);
  }
  return status;
}

/// Not rd_kafka_seek_partitions: it fails on a partition that is just starting or stopped by an
/// error, and its time-out is broken before 2.1.0. Taking the partition out and in again always
/// works, within milliseconds.
Status KafkaConsumer::seek(const TopicPartition& partition, std::int64_t offset) {
  if (Status status = stop({&partition, 1}); !status.ok()) return status;
  const PartitionOffset target{partition, offset, {}};
  return start({&target, 1});
}

Status KafkaConsumer::start(std::span<const PartitionOffset> partitions) {
  for (const PartitionOffset& each : partitions) {
    MILLRACE_CHECK(each.offset >= 0, "partitions are assigned with an offset");
    Fetched& from = fetched_.at(each.partition);
    from.position = each.offset;
    from.answered = false;
    from.failure = {};
    // Before the assignment, else the first records land in the consumer's queue.
    rd_kafka_queue_forward(from.queue.get(), nullptr);
  }
  const PartitionList list = partition_list(partitions);
  return to_status(rd_kafka_incremental_assign(client_->handle(), list.get()), Call::kConsume,
                   "assign");
}

Status KafkaConsumer::stop(std::span<const TopicPartition> partitions) {
  std::vector<TopicPartition> live;  // of this client, not of one before join_anew()
  for (const TopicPartition& each : partitions)
    if (fetched(each).queue != nullptr) live.push_back(each);
  if (live.empty()) return {};
  const PartitionList list = partition_list(std::span<const TopicPartition>(live));
  const Status status = to_status(rd_kafka_incremental_unassign(client_->handle(), list.get()),
                                  Call::kConsume, "unassign");
  for (const TopicPartition& partition : live) {
    const auto at = fetched_.find(partition);
    MILLRACE_CHECK(at != fetched_.end(), "the partition must be assigned");
    at->second.waiting.clear();
    // Records of before are dropped by their version; errors have none and must not be seen after a
    // seek.
    for (ssize_t n = 1; n > 0;) {
      n = rd_kafka_consume_batch_queue(at->second.queue.get(), 0, batch_.data(), batch_.size());
      for (ssize_t i = 0; i < n; ++i) rd_kafka_message_destroy(batch_[static_cast<std::size_t>(i)]);
    }
  }
  return status;
}

const KafkaConsumer::Fetched& KafkaConsumer::fetched(const TopicPartition& partition) const {
  const auto at = fetched_.find(partition);
  MILLRACE_CHECK(at != fetched_.end(), "the partition must be assigned");
  return at->second;
}

Status KafkaConsumer::poll(const TopicPartition& partition, const PollLimit& limit,
                           RecordBatch& batch) {
  Fetched& from = const_cast<Fetched&>(fetched(partition));
  const std::size_t records_before = batch.records().size(), bytes_before = batch.bytes();
  const auto room = [&] {
    return batch.records().size() == records_before ||
           (batch.records().size() - records_before < limit.records &&
            batch.bytes() - bytes_before < limit.bytes);
  };
  if (!from.failure.ok() && from.waiting.empty()) return from.failure;
  while (room() && !from.waiting.empty()) {
    Message message = std::move(from.waiting.front());
    from.waiting.pop_front();
    if (Status status = take(partition, from, std::move(message), batch); !status.ok())
      return status;
  }
  Status status;
  while (room() && from.waiting.empty() && status.ok()) {
    const std::size_t bytes_left =
        limit.bytes - std::min(limit.bytes, batch.bytes() - bytes_before);
    const std::size_t records_left =
        std::max<std::size_t>(1, limit.records - (batch.records().size() - records_before));
    const std::size_t most =
        std::min({kMostPerCall, records_left, bytes_left / from.record_bytes + 1});
    // With a time-out the call would wait for a full batch.
    const ssize_t count = rd_kafka_consume_batch_queue(from.queue.get(), 0, batch_.data(), most);
    for (ssize_t i = 0; i < count; ++i) {
      Message message{batch_[static_cast<std::size_t>(i)]};
      if (!status.ok() || !room()) {
        from.waiting.push_back(std::move(message));
      } else {
        status = take(partition, from, std::move(message), batch);
      }
    }
    if (count < static_cast<ssize_t>(most)) break;
  }
  const std::size_t records = batch.records().size() - records_before;
  if (records > 0)
    from.record_bytes = std::max<std::size_t>(1, (batch.bytes() - bytes_before) / records);
  if (!room() || !from.waiting.empty()) more_ = true;
  if (rd_kafka_version() < kFirstVersionWithFetchBackoff) refill(from);
  return status;
}

Status KafkaConsumer::take(const TopicPartition& partition, Fetched& from, Message owned,
                           RecordBatch& batch) {
  const rd_kafka_message_t& message = *owned;
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    from.answered = true;
    from.position = std::max(from.position, message.offset);
    return {};
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::string what = fmt::format("{}, offset {}", name_of(partition), from.position);
    Status status =
        message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
            ? Status::failed(what + ": cannot be read, it lies outside of the log")
            : to_status(message.err, Call::kConsume, what, rd_kafka_message_errstr(&message));
    if (status.code() == StatusCode::kFailed) from.failure = status;
    return status;
  }
  from.answered = true;
  from.broker = rd_kafka_message_broker_id(&message);
  // librdkafka 2.0.2 may rewind a partition when it resumes it after a rebalance.
  if (message.offset < from.position) return {};
  from.position = message.offset + 1;
  append_message(std::move(owned), lender_, batch);
  return {};
}

/// Before 2.2.0 a broker's thread that finds all its queues full sleeps up to 1 s, however fast
/// they drain. Any request to that broker wakes it, so one is sent when a queue that was full is
/// half empty: bounded memory without the stall. The answer does not matter.
void KafkaConsumer::refill(Fetched& partition) {
  const std::size_t ahead = rd_kafka_queue_length(partition.queue.get());
  const std::size_t full = std::min(most_records_, most_bytes_ / partition.record_bytes);
  if (ahead >= full - full / 4) partition.was_full = true;
  if (!partition.was_full || ahead > full / 2 || partition.broker < 0) return;
  if (poked_) {
    rd_kafka_event_t* event = rd_kafka_queue_poll(refill_queue_.get(), 0);
    if (event == nullptr) return;
    rd_kafka_event_destroy(event);
  }
  partition.was_full = false;
  poked_ = true;
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(
      RD_KAFKA_RESOURCE_BROKER, std::to_string(partition.broker).c_str());
  rd_kafka_ConfigResource_set_config(resource, "broker.id", "");
  rd_kafka_DescribeConfigs(client_->handle(), &resource, 1, nullptr, refill_queue_.get());
  rd_kafka_ConfigResource_destroy(resource);
}

std::int64_t KafkaConsumer::position(const TopicPartition& partition) const {
  return fetched(partition).position;
}

std::optional<std::int64_t> KafkaConsumer::high_watermark(const TopicPartition& partition) const {
  if (!fetched(partition).answered)
    return std::nullopt;  // what librdkafka remembers may be from before
  std::int64_t low = 0, high = 0;
  if (rd_kafka_get_watermark_offsets(client_->handle(), partition.topic.c_str(),
                                     partition.partition, &low,
                                     &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      high < 0) {
    return std::nullopt;
  }
  return high;
}

std::size_t KafkaConsumer::queued_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [partition, from] : fetched_)
    if (from.queue != nullptr)
      bytes += (rd_kafka_queue_length(from.queue.get()) + from.waiting.size()) * from.record_bytes;
  return bytes;
}

void KafkaConsumer::wait(std::chrono::milliseconds timeout) {
  if (!std::exchange(more_, false)) {
    pollfd wanted{wake_fd_, POLLIN, 0};
    ::poll(&wanted, 1, static_cast<int>(timeout.count()));
  }
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(wake_fd_, &count, sizeof count);
}

void KafkaConsumer::wakeup() {
  [[maybe_unused]] const ssize_t n = ::write(wake_fd_, &kWake, sizeof kWake);
}

Result<std::vector<PartitionOffset>> KafkaConsumer::committed(
    std::span<const TopicPartition> partitions) {
  if (options_.group_id.empty()) return Status::invalid("committed: the consumer has no group.id");
  return admin_.committed(options_.group_id, partitions);
}

Status KafkaConsumer::commit(std::span<const PartitionOffset> offsets) {
  const std::string what = fmt::format("committing offsets of group '{}'", options_.group_id);
  if (!membership_.joined) return Status::abort(what + ": not a member");
  const Queue answers{rd_kafka_queue_new(client_->handle())};
  const PartitionList list = partition_list(offsets);
  const rd_kafka_resp_err_t asked =
      rd_kafka_commit_queue(client_->handle(), list.get(), answers.get(), nullptr, nullptr);
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) return to_status(asked, Call::kOffsets, what);
  rd_kafka_event_t* event =
      rd_kafka_queue_poll(answers.get(), static_cast<int>(kCommitTimeout.count()));
  if (event == nullptr) return Status::retry(what + ": no answer in time");
  const Status status = to_status(rd_kafka_event_error(event), Call::kOffsets, what,
                                  rd_kafka_event_error_string(event));
  rd_kafka_event_destroy(event);
  return status;
}

Status KafkaConsumer::close() {
  if (std::exchange(closed_, true)) return {};
  std::vector<TopicPartition> all;
  for (const auto& [partition, from] : fetched_) all.push_back(partition);
  Status status = unassign(all);
  if (options_.group_id.empty() || client_ == nullptr) return status;
  rd_kafka_t* handle = client_->handle();
  // Closing alone, librdkafka 2.0.2 does not tell the group when a cooperative member without
  // partitions goes: the next rebalance would wait for it until its session ends.
  if (options_.group_instance_id.empty() && membership_.owned.empty()) rd_kafka_unsubscribe(handle);
  // The queue must outlive the close: a late event may still be put there.
  if (rd_kafka_error_t* error = rd_kafka_consumer_close_queue(handle, group_queue_.get())) {
    return to_status(error, Call::kConsume, "close");
  }
  const auto deadline = std::chrono::steady_clock::now() + kCloseTimeout;
  while (rd_kafka_consumer_closed(handle) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      // A rebalance that waits for somebody else holds the farewell up. No work depends on it.
      watch_->write(LogLevel::kWarning,
                    fmt::format("group '{}' could not be left in {} s: the member stays until its "
                                "session ends",
                                options_.group_id, kCloseTimeout.count() / 1000),
                    options_.client_id, "CLOSE");
      break;
    }
    rd_kafka_queue_poll_callback(group_queue_.get(), 50);
  }
  if (membership_.joined) left();
  return status;
}

}  // namespace millrace::kafka
