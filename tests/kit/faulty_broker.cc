#include "millrace/tests/kit/faulty_broker.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

constexpr int kAtOnce = 3;  // a member is thrown out, joins again, and has its partitions back

Status fault(const Faults& faults, Faults::Point point) {
  switch (faults.at(point)) {
    case Faults::Fault::kNone:
    case Faults::Fault::kNothing:
      return {};
    case Faults::Fault::kKill:
      throw Killed{};
    case Faults::Fault::kRetry:
      return Status::retry("the broker is away");
    case Faults::Fault::kAbort:
      return Status::abort("the transaction cannot go on");
    case Faults::Fault::kUnknown:
      return Status::unknown("the connection broke");
    case Faults::Fault::kFenced:
      return Status::fenced("the producer is dead");
    case Faults::Fault::kFailed:
      return Status::failed("it cannot be done");
  }
  return {};
}

class FaultyConsumer final : public Consumer {
 public:
  FaultyConsumer(std::unique_ptr<Consumer> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}

  Status subscribe(const std::vector<std::string>& topics) override {
    return inner_->subscribe(topics);
  }
  Status serve() override {
    const Faults::Fault course = faults_.at(Faults::Point::kServe);
    if (course == Faults::Fault::kKill) throw Killed{};
    for (int i = 0; i < kAtOnce && course == Faults::Fault::kNothing; ++i)
      MILLRACE_RETURN_IF_ERROR(inner_->serve());
    MILLRACE_RETURN_IF_ERROR(inner_->serve());
    return course == Faults::Fault::kRetry ? Status::retry("the broker is away") : Status{};
  }
  const Membership& membership() const override { return inner_->membership(); }
  std::shared_ptr<const GroupMetadata> group_metadata() override {
    return inner_->group_metadata();
  }
  Status assign(std::span<const PartitionOffset> partitions) override {
    return inner_->assign(partitions);
  }
  Status unassign(std::span<const TopicPartition> partitions) override {
    return inner_->unassign(partitions);
  }
  Status seek(const TopicPartition& partition, std::int64_t offset) override {
    return inner_->seek(partition, offset);
  }
  Status poll(const TopicPartition& partition, const PollLimit& limit,
              RecordBatch& batch) override {
    switch (faults_.at(Faults::Point::kPoll)) {
      case Faults::Fault::kKill:
        throw Killed{};
      case Faults::Fault::kRetry:
        return Status::retry("the broker is away");
      case Faults::Fault::kNothing:
        return {};
      case Faults::Fault::kFailed:
        return Status::failed("it lies outside of the log");
      default:
        return inner_->poll(partition, limit, batch);
    }
  }
  std::int64_t position(const TopicPartition& partition) const override {
    return inner_->position(partition);
  }
  std::optional<std::int64_t> high_watermark(const TopicPartition& partition) const override {
    return inner_->high_watermark(partition);
  }
  void wait(std::chrono::milliseconds timeout) override { inner_->wait(timeout); }
  void wakeup() override { inner_->wakeup(); }
  Result<std::vector<PartitionOffset>> committed(
      std::span<const TopicPartition> partitions) override {
    MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kCommitted));
    return inner_->committed(partitions);
  }
  Status commit(std::span<const PartitionOffset> offsets) override {
    MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kBeforeCommit));
    MILLRACE_RETURN_IF_ERROR(inner_->commit(offsets));
    ++faults_.commits;
    return fault(faults_, Faults::Point::kAfterCommit);
  }
  Status close() override { return inner_->close(); }

 private:
  std::unique_ptr<Consumer> inner_;
  Faults& faults_;
};

/// What a plain producer holds back: partition by partition, as its records reach a broker.
class Unsent {
 public:
  Unsent(Producer& inner, Faults& faults) : inner_(inner), faults_(faults) {}

  void add(const OutgoingRecord& record) {
    const TopicPartition partition{std::string(record.topic), record.partition};
    auto found = std::ranges::find(partitions_, partition, &Partition::name);
    if (found == partitions_.end()) found = partitions_.insert(partitions_.end(), {partition, {}});
    Record& copy = found->records.emplace_back();
    if (record.key.data() != nullptr) copy.key = record.key;
    if (record.value.data() != nullptr) copy.value = record.value;
    copy.timestamp_ms = record.timestamp_ms;
    for (const Header& header : record.headers)
      copy.headers.emplace_back(header.name, header.value);
    bytes_ += record.key.size() + record.value.size();
  }
  std::size_t bytes() const { return bytes_; }

  /// All of it, one partition after the other; in a flush the caller may die in between.
  Status send(bool flush) {
    for (std::size_t deferred = 0; !partitions_.empty();) {
      const Faults::Fault course = flush ? faults_.at(Faults::Point::kFlush) : Faults::Fault::kNone;
      if (course == Faults::Fault::kKill) throw Killed{};
      if (course == Faults::Fault::kNothing && ++deferred < partitions_.size()) {
        std::ranges::rotate(partitions_, partitions_.begin() + 1);
        continue;
      }
      const Partition partition = std::move(partitions_.front());
      partitions_.pop_front();
      for (const Record& record : partition.records) {
        bytes_ -= record.key.value_or("").size() + record.value.value_or("").size();
        MILLRACE_RETURN_IF_ERROR(produce(partition.name, record));
      }
      inner_.poll(std::chrono::milliseconds(0));
    }
    return {};
  }

 private:
  struct Record {
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::int64_t timestamp_ms = 0;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  struct Partition {
    TopicPartition name;
    std::vector<Record> records;
  };

  static std::string_view view_of(const std::optional<std::string>& bytes) {
    return bytes ? std::string_view(*bytes) : std::string_view();
  }
  Status produce(const TopicPartition& partition, const Record& record) {
    std::vector<Header> headers;
    for (const auto& [name, value] : record.headers) headers.push_back({name, value});
    return inner_.produce({partition.topic, partition.partition, view_of(record.key),
                           view_of(record.value), record.timestamp_ms, headers});
  }

  Producer& inner_;
  Faults& faults_;
  std::deque<Partition> partitions_;
  std::size_t bytes_ = 0;
};

class FaultyProducer final : public Producer {
 public:
  FaultyProducer(std::unique_ptr<Producer> inner, Faults& faults, bool transactional)
      : inner_(std::move(inner)), faults_(faults) {
    if (!transactional) unsent_.emplace(*inner_, faults);
  }

  Status init_transactions() override {
    MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kInit));
    return inner_->init_transactions();
  }
  Status begin() override {
    die();
    return inner_->begin();
  }
  Status produce(const OutgoingRecord& record) override {
    if (dying_) return {};
    switch (faults_.at(Faults::Point::kProduce)) {
      case Faults::Fault::kKill:
        // Not thrown: the caller may be a user's function, whose exceptions are caught.
        dying_ = true;
        return {};
      case Faults::Fault::kNothing:
        poll(std::chrono::milliseconds(0));
        break;
      default:
        break;
    }
    if (!unsent_) return inner_->produce(record);
    unsent_->add(record);
    return {};
  }
  void poll(std::chrono::milliseconds timeout) override {
    if (unsent_ && failure_.ok()) failure_ = unsent_->send(false);
    inner_->poll(timeout);
  }
  std::size_t queued_bytes() const override {
    return inner_->queued_bytes() + (unsent_ ? unsent_->bytes() : 0);
  }
  Status flush(std::chrono::milliseconds timeout) override {
    die();
    if (unsent_ && failure_.ok()) failure_ = unsent_->send(true);
    if (!failure_.ok()) return std::exchange(failure_, {});
    return inner_->flush(timeout);
  }
  Status send_offsets(std::span<const PartitionOffset> offsets,
                      const GroupMetadata& group) override {
    die();
    MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kSendOffsets));
    return inner_->send_offsets(offsets, group);
  }
  Status commit() override {
    die();
    MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kBeforeCommit));
    MILLRACE_RETURN_IF_ERROR(inner_->commit());
    ++faults_.commits;
    return fault(faults_, Faults::Point::kAfterCommit);
  }
  Status abort() override {
    die();
    MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kAbort));
    return inner_->abort();
  }
  std::optional<std::int64_t> delivered_offset(const TopicPartition& partition) const override {
    return inner_->delivered_offset(partition);
  }

 private:
  void die() const {
    if (dying_) throw Killed{};
  }

  std::unique_ptr<Producer> inner_;
  Faults& faults_;
  std::optional<Unsent> unsent_;  ///< of a plain producer
  Status failure_;                ///< of what was sent since the last flush
  bool dying_ = false;
};

}  // namespace

Result<std::unique_ptr<Consumer>> FaultyBroker::consumer(const ConsumerOptions& options) {
  auto inner = broker_.consumer(options);
  if (!inner.ok()) return inner;
  return std::unique_ptr<Consumer>(std::make_unique<FaultyConsumer>(std::move(*inner), faults_));
}

Result<std::unique_ptr<Producer>> FaultyBroker::producer(const ProducerOptions& options) {
  auto inner = broker_.producer(options);
  if (!inner.ok()) return inner;
  return std::unique_ptr<Producer>(std::make_unique<FaultyProducer>(
      std::move(*inner), faults_, !options.transactional_id.empty()));
}

}  // namespace millrace
