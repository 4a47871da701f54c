#include "millrace/framework/kafka/kafka_committed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "millrace/framework/kafka/kafka_admin_call.h"
#include "millrace/framework/kafka/kafka_errors.h"

namespace millrace::kafka {
namespace {

PartitionOffset from_raw(const rd_kafka_topic_partition_t& raw) {
  PartitionOffset offset{{raw.topic, raw.partition}, PartitionOffset::kNone, {}};
  if (raw.offset >= 0) {
    offset.offset = raw.offset;
    if (raw.metadata != nullptr)
      offset.metadata.assign(static_cast<const char*>(raw.metadata), raw.metadata_size);
  }
  return offset;
}

}  // namespace

PartitionList partition_list(std::span<const TopicPartition> partitions) {
  PartitionList list{rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
  for (const TopicPartition& partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
  }
  return list;
}

PartitionList partition_list(std::span<const PartitionOffset> offsets) {
  PartitionList list{rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size()))};
  for (const PartitionOffset& offset : offsets) {
    auto* raw = rd_kafka_topic_partition_list_add(list.get(), offset.partition.topic.c_str(),
                                                  offset.partition.partition);
    raw->offset = offset.offset;
    if (!offset.metadata.empty()) {
      raw->metadata_size = offset.metadata.size();
      raw->metadata = rd_kafka_mem_malloc(nullptr, raw->metadata_size);  // freed with the list
      std::copy(offset.metadata.begin(), offset.metadata.end(), static_cast<char*>(raw->metadata));
    }
  }
  return list;
}

Result<std::vector<PartitionOffset>> committed_offsets(
    rd_kafka_t* handle, const std::string& group,
    std::optional<std::span<const TopicPartition>> partitions, std::chrono::milliseconds timeout) {
  if (partitions && partitions->empty()) return std::vector<PartitionOffset>{};
  const std::string what = fmt::format("committed offsets of group '{}'", group);
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout};
  if (rd_kafka_error_t* error =
          rd_kafka_AdminOptions_set_require_stable_offsets(call.options(), partitions ? 1 : 0)) {
    return to_status(error, Call::kAdmin, what);
  }
  const PartitionList list = partitions ? partition_list(*partitions) : nullptr;
  rd_kafka_ListConsumerGroupOffsets_t* request =
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get());
  rd_kafka_ListConsumerGroupOffsets(handle, &request, 1, call.options(), call.queue());
  rd_kafka_ListConsumerGroupOffsets_destroy(request);
  if (Status status = call.wait(what); !status.ok()) return status;

  std::size_t count = 0;
  const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(call.event()), &count);
  if (count != 1) return Status::failed(what + ": no answer for the group");
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0])) {
    return to_status(rd_kafka_error_code(error), Call::kAdmin, what, rd_kafka_error_string(error));
  }
  const rd_kafka_topic_partition_list_t* answer = rd_kafka_group_result_partitions(groups[0]);
  std::map<TopicPartition, PartitionOffset> found;
  for (int i = 0; i < answer->cnt; ++i) {
    const rd_kafka_topic_partition_t& raw = answer->elems[i];
    if (raw.err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        raw.err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      return to_status(raw.err, Call::kAdmin,
                       fmt::format("{}, topic '{}', partition {}", what, raw.topic, raw.partition));
    }
    PartitionOffset offset = from_raw(raw);
    if (partitions || offset.offset != PartitionOffset::kNone)
      found.emplace(offset.partition, std::move(offset));
  }
  std::vector<PartitionOffset> result;
  if (!partitions) {
    for (auto& [partition, offset] : found) result.push_back(std::move(offset));
    return result;
  }
  for (const TopicPartition& partition : *partitions) {
    const auto at = found.find(partition);
    result.push_back(at == found.end() ? PartitionOffset{partition, PartitionOffset::kNone, {}}
                                       : at->second);
  }
  return result;
}

}  // namespace millrace::kafka
