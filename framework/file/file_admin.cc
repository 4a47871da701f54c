#include "millrace/framework/file/file_admin.h"

#include <fmt/format.h>

namespace millrace {

Status FileAdmin::delete_topic(const std::string& topic) {
  MILLRACE_RETURN_IF_ERROR(check_no_file(topic));
  return inner_.delete_topic(topic);
}

Result<std::map<std::string, std::string>> FileAdmin::topic_configs(const std::string& topic) {
  auto configs = inner_.topic_configs(topic);
  const bool file = topics_.input(topic) != nullptr || topics_.output(topic) != nullptr;
  if (configs.ok() && file) (*configs)["retention.ms"] = "-1";  // nobody deletes lines by their age
  return configs;
}

Result<std::vector<std::int64_t>> FileAdmin::list_offsets(
    std::span<const TopicPartition> partitions, OffsetSpec which) {
  Result<std::vector<std::int64_t>> offsets = inner_.list_offsets(partitions, which);
  if (!offsets.ok()) return offsets;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const LineInput* const input = topics_.input(partitions[i].topic);
    if (input == nullptr) continue;
    (*offsets)[i] = which == OffsetSpec::kEarliest ? input->first_line()
                                                   : input->end_line().value_or(kEndUnknown);
  }
  return offsets;
}

Status FileAdmin::delete_records(std::span<const PartitionOffset> before) {
  for (const PartitionOffset& offset : before)
    MILLRACE_RETURN_IF_ERROR(check_no_file(offset.partition.topic));
  return inner_.delete_records(before);
}

Status FileAdmin::check_no_file(const std::string& topic) const {
  if (topics_.input(topic) == nullptr && topics_.output(topic) == nullptr) return {};
  return Status::invalid(fmt::format("topic '{}' is a file: delete the file instead", topic));
}

}  // namespace millrace
