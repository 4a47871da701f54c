#pragma once

#include <map>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/file/file_topics.h"

namespace millrace {

/// The inner broker's administration, which knows every topic, with the offsets of the inputs.
/// Files are neither deleted nor cut.
class FileAdmin final : public Admin {
 public:
  /// Both must outlive this object.
  FileAdmin(const FileTopics& topics, Admin& inner) : topics_(topics), inner_(inner) {}

  Status create_topic(const TopicSpec& topic) override { return inner_.create_topic(topic); }
  Status delete_topic(const std::string& topic) override;
  Result<std::vector<TopicDescription>> list_topics() override { return inner_.list_topics(); }
  Result<TopicDescription> describe_topic(const std::string& topic) override {
    return inner_.describe_topic(topic);
  }
  Result<std::map<std::string, std::string>> topic_configs(const std::string& topic) override;
  Result<std::vector<std::int64_t>> list_offsets(std::span<const TopicPartition> partitions,
                                                 OffsetSpec which) override;
  Status delete_records(std::span<const PartitionOffset> before) override;
  Result<std::vector<std::string>> list_groups() override { return inner_.list_groups(); }
  Result<GroupDescription> describe_group(const std::string& group) override {
    return inner_.describe_group(group);
  }
  Result<std::vector<PartitionOffset>> committed(
      const std::string& group, std::span<const TopicPartition> partitions) override {
    return inner_.committed(group, partitions);
  }
  Result<std::vector<PartitionOffset>> group_offsets(const std::string& group) override {
    return inner_.group_offsets(group);
  }
  Status delete_group(const std::string& group) override { return inner_.delete_group(group); }

 private:
  Status check_no_file(const std::string& topic) const;

  const FileTopics& topics_;
  Admin& inner_;
};

}  // namespace millrace
