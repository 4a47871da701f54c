#pragma once

#include "millrace/framework/broker.h"

namespace millrace {

/// A producer to which records go without a trace.
class NullProducer : public Producer {
 public:
  Status init_transactions() override { return {}; }
  Status begin() override { return {}; }
  Status produce(const OutgoingRecord&) override { return {}; }
  void poll(std::chrono::milliseconds) override {}
  std::size_t queued_bytes() const override { return 0; }
  Status flush(std::chrono::milliseconds) override { return {}; }
  Status send_offsets(std::span<const PartitionOffset>, const GroupMetadata&) override {
    return {};
  }
  Status commit() override { return {}; }
  Status abort() override { return {}; }
  std::optional<std::int64_t> delivered_offset(const TopicPartition&) const override {
    return std::nullopt;
  }
};

}  // namespace millrace
