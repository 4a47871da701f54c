#pragma once

#include <memory>

#include "millrace/framework/broker.h"
#include "millrace/framework/kafka/kafka_client.h"

namespace millrace::kafka {

/// Administration on a librdkafka instance of its own, which must be a consumer with the
/// uncommitted view.
class KafkaAdmin final : public Admin {
 public:
  explicit KafkaAdmin(std::shared_ptr<Client> client) : client_(std::move(client)) {}

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
  const std::shared_ptr<Client> client_;
};

}  // namespace millrace::kafka
