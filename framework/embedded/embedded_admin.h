#pragma once

#include "millrace/framework/broker.h"
#include "millrace/framework/embedded/core.h"

namespace millrace::embedded {

/// Administration of the embedded broker. `core` must outlive it. Thread-safe; nothing blocks.
class EmbeddedAdmin final : public Admin {
 public:
  explicit EmbeddedAdmin(Core& core) : core_(core) {}

  Status create_topic(const TopicSpec& topic) override;
  Status delete_topic(const std::string& topic) override;
  Result<std::vector<TopicDescription>> list_topics() override;
  Result<TopicDescription> describe_topic(const std::string& topic) override;
  Result<std::map<std::string, std::string>> topic_configs(const std::string& topic) override;
  Result<std::vector<std::int64_t>> list_offsets(std::span<const TopicPartition> partitions,
                                                 OffsetSpec which) override;
  Status delete_records(std::span<const PartitionOffset> before) override;
  Result<std::vector<std::string>> list_groups() override;
  Result<GroupDescription> describe_group(const std::string& group) override;
  Result<std::vector<PartitionOffset>> committed(
      const std::string& group, std::span<const TopicPartition> partitions) override;
  Result<std::vector<PartitionOffset>> group_offsets(const std::string& group) override;
  Status delete_group(const std::string& group) override;

 private:
  Core& core_;
};

}  // namespace millrace::embedded
