#include "millrace/framework/kafka/kafka_producer.h"

#include <fmt/format.h>

#include <array>
#include <future>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "millrace/framework/kafka/kafka_committed.h"
#include "millrace/framework/kafka/kafka_consumer.h"

namespace millrace::kafka {
namespace {

constexpr std::chrono::milliseconds kMetadataTimeout{5'000};
/// After this a transactional call gives kRetry by itself ...
constexpr std::chrono::milliseconds kCallTimeout{5'000};
/// ... and after this it is taken to hang (librdkafka #5456), and the producer is given up. The
/// time is counted in slices: while this process is stopped, no call gets on.
constexpr std::chrono::milliseconds kHangSlice{100};
constexpr int kHangSlices = 150;

struct TopicDeleter {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};

void* pointer(std::string_view bytes) { return const_cast<char*>(bytes.data()); }

}  // namespace

/// A topic that was produced to; the opaque of its librdkafka handle.
struct KafkaProducer::Topic {
  std::unique_ptr<rd_kafka_topic_t, TopicDeleter> handle;
  std::vector<std::optional<std::int64_t>> delivered;  ///< by partition
};

struct KafkaProducer::Core final : ClientEvents {
  std::shared_ptr<Client> client;
  std::map<std::string, Topic, std::less<>> topics;  // released before the client
  std::size_t queued_bytes = 0;
  Status undelivered;  ///< the first record that could not be delivered

  rd_kafka_t* handle() const { return client->handle(); }

  void on_delivery(const rd_kafka_message_t& message) override {
    queued_bytes -= message.len + message.key_len;
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (!undelivered.ok()) return;
      undelivered = Status::failed(
          fmt::format("record of {} bytes for topic '{}', partition {} was not delivered: {} ({})",
                      message.len, rd_kafka_topic_name(message.rkt), message.partition,
                      rd_kafka_message_errstr(&message), rd_kafka_err2name(message.err)));
      return;
    }
    auto& delivered = static_cast<Topic*>(rd_kafka_topic_opaque(message.rkt))->delivered;
    std::optional<std::int64_t>& last = delivered.at(static_cast<std::size_t>(message.partition));
    if (!last || *last < message.offset) last = message.offset;
  }
};

Result<std::unique_ptr<Producer>> KafkaProducer::create(Conf conf, const ProducerOptions& options,
                                                        Clock& clock,
                                                        std::shared_ptr<ClientWatch> watch) {
  auto core = std::make_shared<Core>();
  Result<std::shared_ptr<Client>> client =
      Client::create(RD_KAFKA_PRODUCER, std::move(conf), std::move(watch), *core);
  if (!client.ok()) return client.status();
  core->client = std::move(*client);
  return std::unique_ptr<Producer>{new KafkaProducer{options, clock, std::move(core)}};
}

KafkaProducer::KafkaProducer(const ProducerOptions& options, Clock& clock,
                             std::shared_ptr<Core> core)
    : options_(options), clock_(clock), core_(std::move(core)) {}

Status KafkaProducer::check_alive() const {
  if (core_ == nullptr)
    return Status::fenced(
        "the producer was given up after a call that did not return: build a new one");
  std::array<char, 512> text{};
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(core_->handle(), text.data(), text.size());
  if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Status::fenced(
      fmt::format("the producer is dead: {} ({})", text.data(), rd_kafka_err2name(fatal)));
}

/// Runs a transactional call where it cannot hold up the caller for ever: librdkafka does not keep
/// its time-outs.
Status KafkaProducer::call(Call kind, std::string_view what,
                           std::function<rd_kafka_error_t*(rd_kafka_t*)> function) {
  auto task = std::make_shared<std::packaged_task<rd_kafka_error_t*()>>(
      [core = core_, function = std::move(function)] { return function(core->handle()); });
  std::future<rd_kafka_error_t*> result = task->get_future();
  std::thread{[task = std::move(task)]() mutable {
    (*task)();
    task.reset();
  }}.detach();
  for (int slice = 0; slice < kHangSlices; ++slice)
    if (result.wait_for(kHangSlice) == std::future_status::ready)
      return to_status(result.get(), kind, what);
  core_ = nullptr;
  const StatusCode code = kind == Call::kCommit ? StatusCode::kUnknown : StatusCode::kFenced;
  return {code, fmt::format("{}: no answer from librdkafka in {} s", what,
                            kHangSlices * kHangSlice.count() / 1000)};
}

Status KafkaProducer::init_transactions() {
  if (options_.transactional_id.empty())
    return Status::invalid("init_transactions: the producer has no transactional.id");
  if (Status status = check_alive(); !status.ok()) return status;
  return call(Call::kInit,
              fmt::format("registering transactional.id '{}'", options_.transactional_id),
              [](rd_kafka_t* handle) {
                return rd_kafka_init_transactions(handle, static_cast<int>(kCallTimeout.count()));
              });
}

Status KafkaProducer::begin() {
  if (options_.transactional_id.empty())
    return Status::invalid("begin: the producer has no transactional.id");
  if (Status status = check_alive(); !status.ok()) return status;
  core_->undelivered = {};
  Status status =
      to_status(rd_kafka_begin_transaction(core_->handle()), Call::kTransaction, "begin");
  in_transaction_ = status.ok();
  return status;
}

/// The topic with its partition count; asks the broker at first use, because librdkafka
/// before 2.10.1 takes up to 1 s to send the first record to a topic that it does not know yet.
Result<KafkaProducer::Topic*> KafkaProducer::topic(std::string_view name) {
  const auto known = core_->topics.find(name);
  if (known != core_->topics.end()) return &known->second;
  Topic& topic = core_->topics[std::string{name}];
  const auto fail = [&](Status status) {
    core_->topics.erase(core_->topics.find(name));
    return status;
  };
  const std::string what = fmt::format("topic '{}'", name);
  rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(core_->handle());
  rd_kafka_topic_conf_set_opaque(conf, &topic);
  topic.handle.reset(rd_kafka_topic_new(core_->handle(), std::string{name}.c_str(), conf));
  if (topic.handle == nullptr)
    return fail(to_status(rd_kafka_last_error(), Call::kTransaction, what));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(core_->handle(), 0, topic.handle.get(), &metadata,
                        static_cast<int>(kMetadataTimeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(to_status(error, Call::kAdmin, what));
  const auto release = [](const rd_kafka_metadata_t* each) { rd_kafka_metadata_destroy(each); };
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(release)> owned{metadata, release};
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (metadata->topic_cnt != 1 || found.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const Status status = to_status(found.err, Call::kAdmin, what);
    return fail(status.code() == StatusCode::kRetry ? status : Status::failed(status.message()));
  }
  topic.delivered.resize(static_cast<std::size_t>(found.partition_cnt));
  return &topic;
}

Status KafkaProducer::produce(const OutgoingRecord& record) {
  if (core_ == nullptr) return check_alive();
  const Result<Topic*> found = topic(record.topic);
  if (!found.ok()) return found.status();
  Topic& target = **found;
  if (record.partition < 0 ||
      static_cast<std::size_t>(record.partition) >= target.delivered.size()) {
    return Status::failed(fmt::format("topic '{}' has no partition {}: it has {}", record.topic,
                                      record.partition, target.delivered.size()));
  }
  const std::int64_t timestamp_ms =
      record.timestamp_ms == RecordView::kNoTimestamp ? clock_.wall_ms() : record.timestamp_ms;
  constexpr std::size_t kFixed = 6;
  std::array<rd_kafka_vu_t, kFixed + 16> fixed;
  std::vector<rd_kafka_vu_t> many;
  rd_kafka_vu_t* arguments = fixed.data();
  const std::size_t count = kFixed + record.headers.size();
  if (count > fixed.size()) {
    many.resize(count);
    arguments = many.data();
  }
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = target.handle.get();
  arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[1].u.i32 = record.partition;
  arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[3].vtype = RD_KAFKA_VTYPE_KEY;
  arguments[3].u.mem.ptr = pointer(record.key);
  arguments[3].u.mem.size = record.key.size();
  arguments[4].vtype = RD_KAFKA_VTYPE_VALUE;
  arguments[4].u.mem.ptr = pointer(record.value);
  arguments[4].u.mem.size = record.value.size();
  arguments[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  arguments[5].u.i64 = timestamp_ms;
  std::vector<std::string> names;  // librdkafka wants them null-terminated
  names.reserve(record.headers.size());
  for (std::size_t i = 0; i < record.headers.size(); ++i) {
    rd_kafka_vu_t& argument = arguments[kFixed + i];
    argument.vtype = RD_KAFKA_VTYPE_HEADER;
    argument.u.header.name = names.emplace_back(record.headers[i].name).c_str();
    argument.u.header.val = record.headers[i].value.data();
    argument.u.header.size = static_cast<ssize_t>(record.headers[i].value.size());
  }
  rd_kafka_error_t* error = rd_kafka_produceva(core_->handle(), arguments, count);
  if (error == nullptr) {
    core_->queued_bytes += record.key.size() + record.value.size();
    return {};
  }
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  const std::string text = fmt::format("record of {} bytes for topic '{}', partition {}: {} ({})",
                                       record.value.size(), record.topic, record.partition,
                                       rd_kafka_error_string(error), rd_kafka_error_name(error));
  rd_kafka_error_destroy(error);
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return Status::retry(text);
  if (Status status = check_alive(); !status.ok()) return status;
  // librdkafka refuses records as soon as the transaction has failed.
  if (code == RD_KAFKA_RESP_ERR__STATE)
    return in_transaction_ ? Status::abort(text) : Status::invalid(text);
  return Status::failed(text);
}

void KafkaProducer::poll(std::chrono::milliseconds timeout) {
  if (core_ != nullptr) rd_kafka_poll(core_->handle(), static_cast<int>(timeout.count()));
}

std::size_t KafkaProducer::queued_bytes() const {
  return core_ == nullptr ? 0 : core_->queued_bytes;
}

Status KafkaProducer::flush(std::chrono::milliseconds timeout) {
  if (core_ == nullptr) return check_alive();
  const rd_kafka_resp_err_t error =
      rd_kafka_flush(core_->handle(), static_cast<int>(timeout.count()));
  if (Status status = check_alive(); !status.ok()) return status;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Status::retry(fmt::format("{} bytes not delivered yet: {}", core_->queued_bytes,
                                     rd_kafka_err2str(error)));
  }
  const Status undelivered = std::exchange(core_->undelivered, {});
  if (!undelivered.ok() && in_transaction_) return Status::abort(undelivered.message());
  return undelivered;
}

Status KafkaProducer::send_offsets(std::span<const PartitionOffset> offsets,
                                   const GroupMetadata& group) {
  if (!in_transaction_) return Status::invalid("send_offsets: no transaction is open");
  if (Status status = check_alive(); !status.ok()) return status;
  if (offsets.empty()) return {};
  const std::shared_ptr<rd_kafka_topic_partition_list_t> list = partition_list(offsets);
  return call(Call::kTransaction, "sending offsets",
              [list, raw = static_cast<const KafkaGroupMetadata&>(group).raw](rd_kafka_t* handle) {
                return rd_kafka_send_offsets_to_transaction(handle, list.get(), raw.get(),
                                                            static_cast<int>(kCallTimeout.count()));
              });
}

Status KafkaProducer::commit() {
  if (!in_transaction_) return Status::invalid("commit: no transaction is open");
  // Dead before the commit was asked for: then it did not happen.
  if (Status status = check_alive(); !status.ok()) return status;
  Status status = call(Call::kCommit, "commit", [](rd_kafka_t* handle) {
    return rd_kafka_commit_transaction(handle, static_cast<int>(kCallTimeout.count()));
  });
  if (status.ok()) in_transaction_ = false;
  return status;
}

Status KafkaProducer::abort() {
  if (!in_transaction_) return {};
  if (Status status = check_alive(); !status.ok()) return status;
  Status status = call(Call::kTransaction, "abort", [](rd_kafka_t* handle) {
    return rd_kafka_abort_transaction(handle, static_cast<int>(kCallTimeout.count()));
  });
  if (status.ok()) in_transaction_ = false;
  return status;
}

std::optional<std::int64_t> KafkaProducer::delivered_offset(const TopicPartition& partition) const {
  if (core_ == nullptr) return std::nullopt;
  const auto at = core_->topics.find(partition.topic);
  if (at == core_->topics.end() || partition.partition < 0 ||
      static_cast<std::size_t>(partition.partition) >= at->second.delivered.size()) {
    return std::nullopt;
  }
  return at->second.delivered[static_cast<std::size_t>(partition.partition)];
}

}  // namespace millrace::kafka
