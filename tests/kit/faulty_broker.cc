#include "millrace/tests/kit/faulty_broker.h"

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
    return inner_->serve();
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

class FaultyProducer final : public Producer {
 public:
  FaultyProducer(std::unique_ptr<Producer> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}

  Status init_transactions() override { return inner_->init_transactions(); }
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
        inner_->poll(std::chrono::milliseconds(0));
        return inner_->produce(record);
      default:
        return inner_->produce(record);
    }
  }
  void poll(std::chrono::milliseconds timeout) override { inner_->poll(timeout); }
  std::size_t queued_bytes() const override { return inner_->queued_bytes(); }
  Status flush(std::chrono::milliseconds timeout) override {
    die();
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
  return std::unique_ptr<Producer>(std::make_unique<FaultyProducer>(std::move(*inner), faults_));
}

}  // namespace millrace
