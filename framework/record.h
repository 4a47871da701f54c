#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// One partition of one topic.
struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
};

/// A record header. Borrowed.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// A consumed record. All views are borrowed from the RecordBatch that holds it and die at its
/// reset().
///
/// Every byte of `value` may be read up to kRecordPadding bytes beyond its end (the content there
/// is unspecified). A null key or value has `data() == nullptr`; an empty one has not.
struct RecordView {
  std::string_view key = {};
  std::string_view value = {};
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = kNoTimestamp;  ///< the broker's record timestamp, Unix ms
  std::span<const Header> headers = {};

  static constexpr std::int64_t kNoTimestamp = -1;
  bool has_key() const { return key.data() != nullptr; }
  bool has_value() const { return value.data() != nullptr; }
};

/// A record on its way out. Views must live until produce() returns; nullptr data means null.
struct OutgoingRecord {
  std::string_view topic;
  std::int32_t partition = 0;
  std::string_view key = {};
  std::string_view value = {};
  std::int64_t timestamp_ms =
      RecordView::kNoTimestamp;  ///< kNoTimestamp: now, by the producer's clock
  std::span<const Header> headers = {};
};

/// A position in a partition with the string that was, or is to be, committed with it.
struct PartitionOffset {
  TopicPartition partition;
  std::int64_t offset = kNone;  ///< offset of the next record to read; kNone: nothing committed
  std::string metadata;

  static constexpr std::int64_t kNone = -1;
};

}  // namespace millrace
