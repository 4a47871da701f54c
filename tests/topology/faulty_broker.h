#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/broker.h"

namespace millrace {

/// Thrown by a faulty broker where the process that called it is to die.
struct Killed {};

/// What a faulty broker does at a call: asked each time, so that a seed can decide.
struct Faults {
  enum class Point {
    kPoll,
    kCommitted,
    kSendOffsets,
    kBeforeCommit,
    kAfterCommit,
  };
  enum class Fault { kNone, kKill, kRetry, kAbort, kUnknown };
  std::function<Fault(Point)> at = [](Point) { return Fault::kNone; };
};

/// A broker that fails as real ones do: calls to be made again, transactions to be aborted, commits
/// of unknown outcome, and the death of the caller around each step of a commit.
class FaultyBroker final : public Broker {
 public:
  /// Both are borrowed.
  FaultyBroker(Broker& broker, const Faults& faults) : broker_(broker), faults_(faults) {}

  Result<std::unique_ptr<Consumer>> consumer(const ConsumerOptions& options) override {
    auto inner = broker_.consumer(options);
    if (!inner.ok()) return inner;
    return std::unique_ptr<Consumer>(std::make_unique<FaultyConsumer>(std::move(*inner), faults_));
  }
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    auto inner = broker_.producer(options);
    if (!inner.ok()) return inner;
    return std::unique_ptr<Producer>(std::make_unique<FaultyProducer>(std::move(*inner), faults_));
  }
  Admin& admin() override { return broker_.admin(); }
  std::string name() const override { return "faulty " + broker_.name(); }

 private:
  static Status fault(const Faults& faults, Faults::Point point) {
    switch (faults.at(point)) {
      case Faults::Fault::kNone:
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
    FaultyConsumer(std::unique_ptr<Consumer> inner, const Faults& faults)
        : inner_(std::move(inner)), faults_(faults) {}

    Status subscribe(const std::vector<std::string>& topics) override {
      return inner_->subscribe(topics);
    }
    Status serve() override { return inner_->serve(); }
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
      MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kPoll));
      return inner_->poll(partition, limit, batch);
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
      return fault(faults_, Faults::Point::kAfterCommit);
    }
    Status close() override { return inner_->close(); }

   private:
    std::unique_ptr<Consumer> inner_;
    const Faults& faults_;
  };

  class FaultyProducer final : public Producer {
   public:
    FaultyProducer(std::unique_ptr<Producer> inner, const Faults& faults)
        : inner_(std::move(inner)), faults_(faults) {}

    Status init_transactions() override { return inner_->init_transactions(); }
    Status begin() override { return inner_->begin(); }
    Status produce(const OutgoingRecord& record) override { return inner_->produce(record); }
    void poll(std::chrono::milliseconds timeout) override { inner_->poll(timeout); }
    std::size_t queued_bytes() const override { return inner_->queued_bytes(); }
    Status flush(std::chrono::milliseconds timeout) override { return inner_->flush(timeout); }
    Status send_offsets(std::span<const PartitionOffset> offsets,
                        const GroupMetadata& group) override {
      MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kSendOffsets));
      return inner_->send_offsets(offsets, group);
    }
    Status commit() override {
      MILLRACE_RETURN_IF_ERROR(fault(faults_, Faults::Point::kBeforeCommit));
      MILLRACE_RETURN_IF_ERROR(inner_->commit());
      return fault(faults_, Faults::Point::kAfterCommit);
    }
    Status abort() override { return inner_->abort(); }
    std::optional<std::int64_t> delivered_offset(const TopicPartition& partition) const override {
      return inner_->delivered_offset(partition);
    }

   private:
    std::unique_ptr<Producer> inner_;
    const Faults& faults_;
  };

  Broker& broker_;
  const Faults& faults_;
};

}  // namespace millrace
