#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/record_batch.h"

namespace millrace {

/// A record that outlives its batch.
class OwnedRecord {
 public:
  OwnedRecord() = default;
  explicit OwnedRecord(const RecordView& record)
      : key_(copy_of(record.key)),
        value_(copy_of(record.value)),
        offset_(record.offset),
        timestamp_ms_(record.timestamp_ms) {
    for (const Header& header : record.headers) headers_.emplace_back(header.name, header.value);
  }

  std::int64_t offset() const { return offset_; }
  /// As a batch would give it, its value with padding. `arena` and `headers` hold what it points
  /// to.
  RecordView view(Arena& arena, std::vector<Header>& headers) const {
    for (const auto& [name, value] : headers_)
      headers.push_back({arena.copy(name), arena.copy(value)});
    return {.key = view_of(key_, arena),
            .value = view_of(value_, arena),
            .offset = offset_,
            .timestamp_ms = timestamp_ms_,
            .headers = headers};
  }
  static std::size_t bytes_of(const RecordView& record) {
    std::size_t bytes = sizeof(OwnedRecord) + record.key.size() + record.value.size();
    for (const Header& header : record.headers) bytes += header.name.size() + header.value.size();
    return bytes;
  }

 private:
  static std::optional<std::string> copy_of(std::string_view bytes) {
    if (bytes.data() == nullptr) return std::nullopt;
    return std::string(bytes);
  }
  static std::string_view view_of(const std::optional<std::string>& bytes, Arena& arena) {
    return bytes ? arena.copy(*bytes) : std::string_view();
  }

  std::optional<std::string> key_;
  std::optional<std::string> value_;
  std::int64_t offset_ = 0;
  std::int64_t timestamp_ms_ = RecordView::kNoTimestamp;
  std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace millrace
