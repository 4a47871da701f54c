#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/embedded/partition_log.h"
#include "millrace/framework/embedded/storage.h"
#include "millrace/framework/embedded/topic_configs.h"

namespace millrace::embedded {

/// A topic and its logs. Immutable; the logs guard themselves.
struct Topic {
  std::uint32_t id = 0;
  TopicConfigs configs;
  std::vector<std::shared_ptr<PartitionLog>> logs;

  std::int32_t partitions() const { return static_cast<std::int32_t>(logs.size()); }
};

/// All topics of a broker, kept in the directory if there is one. Thread-safe.
class TopicRegistry {
 public:
  /// `storage` is null in memory mode. References must outlive the registry and the logs.
  TopicRegistry(const LogSettings& settings, Clock& clock, Storage* storage)
      : settings_(settings), clock_(clock), storage_(storage) {}

  /// Reads what the directory holds.
  Status load();
  /// kExists, kInvalid for a bad name, count or configuration.
  Status create(const TopicSpec& spec);
  /// Removes the topic with its records. kNotFound.
  Status remove(const std::string& topic);
  /// Null if there is none.
  std::shared_ptr<const Topic> find(std::string_view topic) const;
  /// kNotFound names the topic, or the partition and how many there are.
  Result<std::shared_ptr<PartitionLog>> log(const TopicPartition& partition) const;
  std::vector<TopicDescription> list() const;

 private:
  Result<std::shared_ptr<const Topic>> make(const std::string& name,
                                            const StoredTopic& stored) const;

  const LogSettings settings_;
  Clock& clock_;
  Storage* const storage_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const Topic>, std::less<>> topics_;
  std::uint32_t next_id_ = 1;
};

}  // namespace millrace::embedded
