#include "millrace/framework/embedded/topic_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace millrace::embedded {
namespace {

constexpr std::size_t kMaxNameBytes = 249;
constexpr std::int32_t kMaxPartitions = 10'000;

bool is_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
         std::ranges::all_of(name, legal);
}

Status check(const TopicSpec& spec) {
  if (!is_name(spec.name))
    return Status::invalid(
        fmt::format("topic '{}': a name is 1 to {} of the characters a-z A-Z 0-9 . _ -", spec.name,
                    kMaxNameBytes));
  if (spec.partitions < 1 || spec.partitions > kMaxPartitions)
    return Status::invalid(fmt::format("topic '{}': {} partitions asked for, 1 to {} are possible",
                                       spec.name, spec.partitions, kMaxPartitions));
  if (spec.replication != -1 && spec.replication != 1)
    return Status::invalid(
        fmt::format("topic '{}': replication {} asked for, the embedded broker keeps 1 copy",
                    spec.name, spec.replication));
  return {};
}

}  // namespace

Result<std::shared_ptr<const Topic>> TopicRegistry::make(const std::string& name,
                                                         const StoredTopic& stored) const {
  auto configs = TopicConfigs::parse(name, stored.configs);
  if (!configs.ok()) return configs.status();
  auto topic = std::make_shared<Topic>();
  topic->id = stored.id;
  topic->configs = std::move(*configs);
  for (std::int32_t partition = 0; partition < stored.partitions; ++partition) {
    const LogId id{stored.id, partition};
    StoredBounds bounds;
    if (storage_ != nullptr) {
      const auto value = storage_->get(bounds_key(id));
      if (!value.ok()) return value.status();
      if (!value->empty()) {
        const auto decoded = decode_bounds(*value);
        if (!decoded.ok()) return decoded.status();
        bounds = *decoded;
      }
    }
    topic->logs.push_back(std::make_shared<PartitionLog>(
        TopicPartition{name, partition}, id, topic->configs, settings_, clock_, storage_, bounds));
  }
  return std::shared_ptr<const Topic>(std::move(topic));
}

Status TopicRegistry::load() {
  return storage_->scan(kTopicPrefix, [&](std::string_view key, std::string_view value) -> Status {
    const auto stored = decode_topic(value);
    if (!stored.ok()) return stored.status();
    const std::string name(topic_of_key(key));
    auto topic = make(name, *stored);
    if (!topic.ok()) return topic.status();
    topics_.emplace(name, std::move(*topic));
    next_id_ = std::max(next_id_, stored->id + 1);
    return {};
  });
}

Status TopicRegistry::create(const TopicSpec& spec) {
  MILLRACE_RETURN_IF_ERROR(check(spec));
  const std::lock_guard lock(mutex_);
  if (topics_.contains(spec.name))
    return Status::exists(fmt::format("topic '{}' exists already", spec.name));
  const StoredTopic stored{next_id_, spec.partitions, spec.configs};
  auto topic = make(spec.name, stored);
  if (!topic.ok()) return topic.status();
  if (storage_ != nullptr) {
    Storage::Batch batch;
    batch.put(topic_key(spec.name), encode(stored));
    MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
  }
  ++next_id_;
  topics_.emplace(spec.name, std::move(*topic));
  return {};
}

Status TopicRegistry::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(name);
  if (found == topics_.end())
    return Status::not_found(fmt::format("topic '{}' does not exist", name));
  const Topic& topic = *found->second;
  for (const auto& log : topic.logs)
    log->mark_deleted();  // first, so that nothing is written behind the removal
  if (storage_ != nullptr) {
    Storage::Batch batch;
    batch.erase(topic_key(name));
    for (const auto& log : topic.logs) {
      const LogId next{log->id().topic, log->id().partition + 1};
      batch.erase(bounds_key(log->id()));
      batch.erase_range(records_key(log->id(), 0), records_key(next, 0));
    }
    MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
  }
  topics_.erase(found);
  return {};
}

std::shared_ptr<const Topic> TopicRegistry::find(std::string_view topic) const {
  const std::shared_lock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<PartitionLog>> TopicRegistry::log(const TopicPartition& partition) const {
  const auto topic = find(partition.topic);
  if (topic == nullptr)
    return Status::not_found(fmt::format("topic '{}' does not exist", partition.topic));
  if (partition.partition < 0 || partition.partition >= topic->partitions())
    return Status::not_found(fmt::format("topic '{}' has no partition {}, it has {}",
                                         partition.topic, partition.partition,
                                         topic->partitions()));
  return topic->logs[static_cast<std::size_t>(partition.partition)];
}

std::vector<TopicDescription> TopicRegistry::list() const {
  const std::shared_lock lock(mutex_);
  std::vector<TopicDescription> descriptions;
  for (const auto& [name, topic] : topics_) descriptions.push_back({name, topic->partitions()});
  return descriptions;
}

}  // namespace millrace::embedded
