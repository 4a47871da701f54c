#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/embedded/core.h"

namespace millrace::embedded {

/// A consumer of the embedded broker. `core` must outlive it.
class EmbeddedConsumer final : public Consumer {
 public:
  EmbeddedConsumer(Core& core, ConsumerOptions options)
      : core_(core), options_(std::move(options)) {}
  ~EmbeddedConsumer() override;

  Status subscribe(const std::vector<std::string>& lead_topics) override;
  Status serve() override;
  const Membership& membership() const override { return membership_; }
  std::shared_ptr<const GroupMetadata> group_metadata() override;
  Status assign(std::span<const PartitionOffset> partitions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Status seek(const TopicPartition& partition, std::int64_t offset) override;
  Status poll(const TopicPartition& partition, const PollLimit& limit, RecordBatch& batch) override;
  std::int64_t position(const TopicPartition& partition) const override;
  std::optional<std::int64_t> high_watermark(const TopicPartition& partition) const override;
  void wait(std::chrono::milliseconds timeout) override;
  void wakeup() override;
  Result<std::vector<PartitionOffset>> committed(
      std::span<const TopicPartition> partitions) override;
  Status commit(std::span<const PartitionOffset> offsets) override;
  Status close() override;

 private:
  struct Fetch {
    std::shared_ptr<PartitionLog> log;
    std::int64_t position = 0;
    std::optional<std::int64_t> high_watermark;
    LogCursor cursor;
  };

  void show(bool joined, const MemberView& view);
  /// Delivers from one stretch of the log; true when the poll's limit is reached.
  bool deliver(Fetch& fetch, const Readable& readable, const PollLimit& limit,
               std::size_t first_record, RecordBatch& batch);

  Core& core_;
  const ConsumerOptions options_;
  std::set<std::string> lead_topics_;
  std::string member_id_;  ///< empty: not joined yet, or not any more
  Membership membership_;
  std::shared_ptr<const EmbeddedGroupMetadata> metadata_;
  std::map<TopicPartition, Fetch> fetches_;
  Readable readable_;
  std::vector<Header> headers_;
  std::uint64_t seen_news_ = 0;
  bool more_ = false;  ///< a poll since the last wait() left records behind
  std::atomic<bool> woken_ = false;
};

}  // namespace millrace::embedded
