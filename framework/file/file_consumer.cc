#include "millrace/framework/file/file_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/framework/check.h"

namespace millrace {

Status FileConsumer::assign(std::span<const PartitionOffset> partitions) {
  std::vector<PartitionOffset> others;
  for (const PartitionOffset& at : partitions) {
    if (LineInput* const input = topics_.input(at.partition.topic)) {
      MILLRACE_RETURN_IF_ERROR(assign_input(*input, at));
    } else {
      others.push_back(at);
    }
  }
  return others.empty() ? Status{} : inner_->assign(others);
}

Status FileConsumer::assign_input(LineInput& input, const PartitionOffset& at) {
  const auto& [topic, partition] = at.partition;
  MILLRACE_CHECK(!readers_.contains(topic), "a partition is assigned once");
  if (partition != 0 || at.offset < 0)
    return Status::failed(fmt::format(
        "partition {} of '{}' at offset {}: a file has partition 0 only, from offset 0 on",
        partition, topic, at.offset));
  Result<std::unique_ptr<LineReader>> reader =
      input.read_from(at.offset, [this] { inner_->wakeup(); });
  if (!reader.ok()) return reader.status();
  readers_.emplace(topic, std::move(*reader));
  return {};
}

Status FileConsumer::unassign(std::span<const TopicPartition> partitions) {
  std::vector<TopicPartition> others;
  for (const TopicPartition& partition : partitions) {
    if (reader_of(partition) != nullptr) {
      readers_.erase(partition.topic);
    } else {
      others.push_back(partition);
    }
  }
  return others.empty() ? Status{} : inner_->unassign(others);
}

Status FileConsumer::seek(const TopicPartition& partition, std::int64_t offset) {
  LineReader* const reader = reader_of(partition);
  return reader != nullptr ? reader->seek(offset) : inner_->seek(partition, offset);
}

Status FileConsumer::poll(const TopicPartition& partition, const PollLimit& limit,
                          RecordBatch& batch) {
  LineReader* const reader = reader_of(partition);
  return reader != nullptr ? reader->poll(limit, batch) : inner_->poll(partition, limit, batch);
}

std::int64_t FileConsumer::position(const TopicPartition& partition) const {
  const LineReader* const reader = reader_of(partition);
  return reader != nullptr ? reader->position() : inner_->position(partition);
}

std::optional<std::int64_t> FileConsumer::high_watermark(const TopicPartition& partition) const {
  if (reader_of(partition) == nullptr) return inner_->high_watermark(partition);
  return topics_.input(partition.topic)->end_line();
}

void FileConsumer::wait(std::chrono::milliseconds timeout) {
  const bool ready = std::any_of(readers_.begin(), readers_.end(),
                                 [](const auto& reader) { return reader.second->ready(); });
  inner_->wait(ready ? std::chrono::milliseconds{0} : timeout);
}

Status FileConsumer::close() {
  readers_.clear();
  return inner_->close();
}

LineReader* FileConsumer::reader_of(const TopicPartition& partition) const {
  const auto found = readers_.find(partition.topic);
  return found == readers_.end() ? nullptr : found->second.get();
}

}  // namespace millrace
