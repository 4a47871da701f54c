#include "millrace/framework/file/file_producer.h"

#include <fmt/format.h>

#include <utility>

namespace millrace {

Status FileProducer::init_transactions() {
  drop();
  return inner_->init_transactions();
}

Status FileProducer::produce(const OutgoingRecord& record) {
  LineOutput* const output = topics_.output(record.topic);
  if (output == nullptr) {
    if (topics_.input(record.topic) == nullptr) return inner_->produce(record);
    return Status::failed(fmt::format(
        "topic '{}' is a file that is read: nothing can be written to it", record.topic));
  }
  if (record.partition != 0)
    return Status::failed(fmt::format("partition {} of '{}': a file has partition 0 only",
                                      record.partition, record.topic));
  if (record.value.find('\n') != std::string_view::npos)
    return Status::failed(fmt::format(
        "a record for '{}' contains a line feed: it would be more than one line of '{}'",
        record.topic, output->path()));
  std::string& lines = lines_[output];
  lines += record.value;
  lines += '\n';
  return {};
}

Status FileProducer::flush(std::chrono::milliseconds timeout) {
  MILLRACE_RETURN_IF_ERROR(inner_->flush(timeout));
  return transactional_ ? Status{} : write_lines();
}

Status FileProducer::send_offsets(std::span<const PartitionOffset> offsets,
                                  const GroupMetadata& group) {
  MILLRACE_RETURN_IF_ERROR(inner_->send_offsets(offsets, group));
  for (const PartitionOffset& offset : offsets) {
    if (topics_.input(offset.partition.topic) != nullptr) offsets_.push_back(offset);
  }
  return {};
}

// The lines follow the inner commit: written first, an abort could not take them back.
Status FileProducer::commit() {
  MILLRACE_RETURN_IF_ERROR(inner_->commit());
  for (const PartitionOffset& offset : std::exchange(offsets_, {}))
    topics_.input(offset.partition.topic)->release(offset.offset);
  return write_lines();
}

Status FileProducer::abort() {
  drop();
  return inner_->abort();
}

Status FileProducer::write_lines() {
  for (auto& [output, lines] : lines_) {
    MILLRACE_RETURN_IF_ERROR(output->write(lines));
    lines.clear();
  }
  return {};
}

void FileProducer::drop() {
  lines_.clear();
  offsets_.clear();
}

}  // namespace millrace
