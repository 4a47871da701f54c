#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

#include "millrace/framework/broker.h"
#include "millrace/framework/kafka/kafka_client.h"

namespace millrace::kafka {

/// Administration on librdkafka instances of its own, which must be consumers with the uncommitted
/// view.
class KafkaAdmin final : public Admin {
 public:
  using ClientFactory = std::function<Result<std::shared_ptr<Client>>()>;
  KafkaAdmin(std::shared_ptr<Client> client, ClientFactory another)
      : client_(std::move(client)), another_(std::move(another)), group_client_(client_) {}

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
  template <class Ask>
  auto ask_coordinator(std::chrono::milliseconds timeout, Ask ask);
  void renew(const std::shared_ptr<Client>& stale);

  const std::shared_ptr<Client> client_;
  const ClientFactory another_;
  std::mutex mutex_;
  std::shared_ptr<Client> group_client_;  ///< for what a group's coordinator answers
  std::chrono::steady_clock::time_point renewed_{};
};

}  // namespace millrace::kafka
