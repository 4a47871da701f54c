#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/framework/kafka/kafka_client.h"
#include "millrace/framework/record.h"
#include "millrace/framework/status.h"

namespace millrace::kafka {

/// How long a question for committed offsets waits for a pending transaction before it answers
/// kRetry.
inline constexpr std::chrono::milliseconds kStableOffsetsTimeout{1'000};

/// Committed offsets of any group. `partitions` none: all that the group has, sorted, whatever is
/// pending; else in the order asked, stable.
Result<std::vector<PartitionOffset>> committed_offsets(
    rd_kafka_t* handle, const std::string& group,
    std::optional<std::span<const TopicPartition>> partitions, std::chrono::milliseconds timeout);

/// A list of librdkafka's with these partitions and no offsets.
PartitionList partition_list(std::span<const TopicPartition> partitions);
/// The same with offsets and metadata.
PartitionList partition_list(std::span<const PartitionOffset> offsets);

}  // namespace millrace::kafka
