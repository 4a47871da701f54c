#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/file/file_topics.h"

namespace millrace {

/// Reads input topics from their files, and everything else from the inner consumer.
class FileConsumer final : public Consumer {
 public:
  /// `topics` must outlive this object.
  FileConsumer(const FileTopics& topics, std::unique_ptr<Consumer> inner)
      : topics_(topics), inner_(std::move(inner)) {}

  Status subscribe(const std::vector<std::string>& lead_topics) override {
    return inner_->subscribe(lead_topics);
  }
  Status serve() override { return inner_->serve(); }
  const Membership& membership() const override { return inner_->membership(); }
  std::shared_ptr<const GroupMetadata> group_metadata() override {
    return inner_->group_metadata();
  }
  Status assign(std::span<const PartitionOffset> partitions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Status seek(const TopicPartition& partition, std::int64_t offset) override;
  Status poll(const TopicPartition& partition, const PollLimit& limit, RecordBatch& batch) override;
  std::int64_t position(const TopicPartition& partition) const override;
  std::optional<std::int64_t> high_watermark(const TopicPartition& partition) const override;
  void wait(std::chrono::milliseconds timeout) override;
  void wakeup() override { inner_->wakeup(); }
  Result<std::vector<PartitionOffset>> committed(
      std::span<const TopicPartition> partitions) override {
    return inner_->committed(partitions);
  }
  Status commit(std::span<const PartitionOffset> offsets) override {
    return inner_->commit(offsets);
  }
  Status close() override;

 private:
  Status assign_input(LineInput& input, const PartitionOffset& at);
  LineReader* reader_of(const TopicPartition& partition) const;

  const FileTopics& topics_;
  const std::unique_ptr<Consumer> inner_;
  std::map<std::string, std::unique_ptr<LineReader>, std::less<>>
      readers_;  // of the assigned inputs, by topic
};

}  // namespace millrace
