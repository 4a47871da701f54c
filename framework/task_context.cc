#include "millrace/framework/task_context.h"

#include <algorithm>

namespace millrace {

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
