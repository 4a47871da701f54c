#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"

namespace millrace::tool {

/// Reads what a topic holds when it is opened: the committed records of all its partitions, without
/// a group, each partition from its first offset to its end at that time. Not thread-safe, except
/// wakeup(). The broker must outlive it.
class TopicReader {
 public:
  static Result<std::unique_ptr<TopicReader>> open(Broker& broker, const std::string& topic);

  const std::vector<TopicPartition>& partitions() const { return partitions_; }
  /// Offsets between first and end, of all partitions together: no less than the records to come.
  std::int64_t offsets() const { return offsets_; }

  /// Resets `batch`, reads what is there now of partition number `index` into it, and returns what
  /// lies before the end: possibly nothing. A broker that is away for now has nothing.
  Result<std::span<const RecordView>> read(std::size_t index, RecordBatch& batch);
  /// Whether the partition, or all of them, was read to its end.
  bool ended(std::size_t index) const { return ended_[index]; }
  bool ended() const { return open_ == 0; }
  /// Blocks until there may be more, or wakeup().
  void wait();
  /// From any thread.
  void wakeup() { consumer_->wakeup(); }
  Status close() { return consumer_->close(); }

 private:
  explicit TopicReader(std::unique_ptr<Consumer> consumer) : consumer_{std::move(consumer)} {}

  std::unique_ptr<Consumer> consumer_;
  std::vector<PartitionOffset> starts_;  // until the first read(): what waits fetches nothing
  std::vector<TopicPartition> partitions_;
  std::vector<std::int64_t> ends_;
  std::vector<bool> ended_;
  std::size_t open_ = 0;  // partitions not ended
  std::int64_t offsets_ = 0;
};

}  // namespace millrace::tool
