#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace millrace {

/// Event time that is not known, and the watermark of a partition that has none yet: before
/// everything.
inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();
/// After everything: the level when all sources have ended.
inline constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

/// What travels with a value through a chain. All times are Unix ms.
struct RecordInfo {
  std::int64_t offset = 0;               ///< of the source record it came from
  std::int32_t source = 0;               ///< which of the task's source partitions that is from
  std::int64_t timestamp_ms = -1;        ///< the record's Kafka timestamp; -1: none
  std::int64_t event_time_ms = kNoTime;  ///< set by event_time
  std::int64_t watermark_ms = kNoTime;   ///< the source partition's own, before this record
  std::string_view key;                  ///< encoded; null data: no key; lives as long as the batch
};

}  // namespace millrace
