#include "millrace/framework/task_context.h"

#include <algorithm>

namespace millrace {

RecordBatch& Batches::next() {
  if (current_.use_count() > 2) {  // a node holds it
    const auto free =
        std::ranges::find_if(all_, [](const auto& batch) { return batch.use_count() == 1; });
    current_ = free == all_.end() ? all_.emplace_back(std::make_shared<RecordBatch>()) : *free;
  }
  current_->reset();
  current_->set_borrows(!held_);
  return *current_;
}

std::size_t Batches::reserved_bytes() const {
  std::size_t bytes = 0;
  for (const auto& batch : all_) bytes += batch->reserved_bytes();
  return bytes;
}

SourcePartition& TaskContext::source(const TopicName& topic) const {
  const std::string name = resolve(topic);
  for (const auto& source : source_partitions)
    if (source->partition().topic == name) return *source;
  MILLRACE_CHECK(false, "a task has all sources of its sub-topology");
}

std::int64_t TaskContext::watermark_ms() const {
  if (table) return table->settled();
  std::int64_t lowest = kEndOfTime;
  for (const auto& source : source_partitions) lowest = std::min(lowest, source->watermark_ms());
  return lowest;
}

}  // namespace millrace
