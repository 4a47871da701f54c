#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/file/file_topics.h"

namespace millrace {

/// Collects the lines of output topics until their transaction is committed; everything else is the
/// inner producer's.
class FileProducer final : public Producer {
 public:
  /// `topics` must outlive this object.
  FileProducer(const FileTopics& topics, std::unique_ptr<Producer> inner, bool transactional)
      : topics_(topics), inner_(std::move(inner)), transactional_(transactional) {}

  Status init_transactions() override;
  Status begin() override { return inner_->begin(); }
  Status produce(const OutgoingRecord& record) override;
  void poll(std::chrono::milliseconds timeout) override { inner_->poll(timeout); }
  std::size_t queued_bytes() const override { return inner_->queued_bytes(); }
  Status flush(std::chrono::milliseconds timeout) override;
  Status send_offsets(std::span<const PartitionOffset> offsets,
                      const GroupMetadata& group) override;
  Status commit() override;
  Status abort() override;
  std::optional<std::int64_t> delivered_offset(const TopicPartition& partition) const override {
    return inner_->delivered_offset(partition);
  }

 private:
  Status write_lines();
  void drop();

  const FileTopics& topics_;
  const std::unique_ptr<Producer> inner_;
  const bool transactional_;
  std::map<LineOutput*, std::string> lines_;
  std::vector<PartitionOffset> offsets_;  // of inputs, sent in the open transaction
};

}  // namespace millrace
