#include "millrace/framework/embedded/embedded_admin.h"

#include <fmt/format.h>

namespace millrace::embedded {
namespace {

Status unknown_topic(const std::string& topic) {
  return Status::not_found(fmt::format("topic '{}' does not exist", topic));
}

}  // namespace

Status EmbeddedAdmin::create_topic(const TopicSpec& topic) { return core_.topics.create(topic); }

Status EmbeddedAdmin::delete_topic(const std::string& topic) {
  MILLRACE_RETURN_IF_ERROR(core_.topics.remove(topic));
  return core_.groups.forget_topic(topic);
}

Result<std::vector<TopicDescription>> EmbeddedAdmin::list_topics() { return core_.topics.list(); }

Result<TopicDescription> EmbeddedAdmin::describe_topic(const std::string& topic) {
  const auto found = core_.topics.find(topic);
  if (found == nullptr) return unknown_topic(topic);
  return TopicDescription{topic, found->partitions()};
}

Result<std::map<std::string, std::string>> EmbeddedAdmin::topic_configs(const std::string& topic) {
  const auto found = core_.topics.find(topic);
  if (found == nullptr) return unknown_topic(topic);
  return found->configs.all;
}

Result<std::vector<std::int64_t>> EmbeddedAdmin::list_offsets(
    std::span<const TopicPartition> partitions, OffsetSpec which) {
  core_.transactions.expire();
  std::vector<std::int64_t> offsets;
  for (const TopicPartition& partition : partitions) {
    const auto log = core_.topics.log(partition);
    if (!log.ok()) return log.status();
    const StoredBounds bounds = (*log)->bounds();
    offsets.push_back(which == OffsetSpec::kEarliest ? bounds.start : bounds.end);
  }
  return offsets;
}

Status EmbeddedAdmin::delete_records(std::span<const PartitionOffset> before) {
  for (const PartitionOffset& cut : before) {
    const auto log = core_.topics.log(cut.partition);
    if (!log.ok()) return log.status();
    if (!(*log)->configs().deletable)
      return Status::invalid(
          fmt::format("topic '{}' has cleanup.policy=compact: records can be deleted only where it "
                      "holds 'delete'",
                      cut.partition.topic));
    MILLRACE_RETURN_IF_ERROR((*log)->delete_before(cut.offset));
  }
  return {};
}

Result<std::vector<std::string>> EmbeddedAdmin::list_groups() { return core_.groups.list(); }

Result<GroupDescription> EmbeddedAdmin::describe_group(const std::string& group) {
  return core_.groups.describe(group);
}

Result<std::vector<PartitionOffset>> EmbeddedAdmin::committed(
    const std::string& group, std::span<const TopicPartition> partitions) {
  core_.transactions.expire();
  return core_.groups.committed(group, partitions);
}

Result<std::vector<PartitionOffset>> EmbeddedAdmin::group_offsets(const std::string& group) {
  core_.transactions.expire();
  return core_.groups.offsets(group);
}

Status EmbeddedAdmin::delete_group(const std::string& group) {
  core_.transactions.expire();
  return core_.groups.remove(group);
}

}  // namespace millrace::embedded
