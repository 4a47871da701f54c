#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/framework/record_batch.h"
#include "millrace/framework/status.h"

namespace millrace::tool {

/// What a record is sorted by, taken out of it: a number, or a text, which compares byte by byte.
struct SortValue {
  bool is_text = false;
  std::int64_t number = 0;
  std::string text;

  std::strong_ordering operator<=>(const SortValue&) const = default;
  bool operator==(const SortValue&) const = default;
};

/// Takes sort values out of records and compares them. Not thread-safe.
class SortKey {
 public:
  /// `by` is "value" (the record's value as decimal integer), "key" (the bytes of its key; none is
  /// as an empty one), "event-time" (its timestamp), "json:/FIELD" (a whole number at the root of
  /// its JSON value) or "json-text:/FIELD". kInvalid names what is wrong.
  static Result<SortKey> parse(std::string_view by, bool descending);
  SortKey(SortKey&&) noexcept;
  SortKey& operator=(SortKey&&) noexcept;
  ~SortKey();

  /// Fills `value`. What is wrong with the record otherwise, for people; empty if nothing.
  /// REQUIRES: kRecordPadding readable bytes behind the record's value.
  std::string_view read(const RecordView& record, SortValue& value);
  /// Whether a record with `first` may stand before one with `second`.
  bool in_order(const SortValue& first, const SortValue& second) const {
    return descending_ ? second <= first : first <= second;
  }
  /// "value", "key", "event-time" or the name of the field: what messages call it.
  const std::string& name() const { return name_; }
  /// As messages show it, with its end cut off where it is long.
  static std::string show(const SortValue& value);

 private:
  enum class Source { kValue, kKey, kEventTime, kJsonNumber, kJsonText };
  struct Json;

  SortKey(Source source, std::string name, bool descending);

  Source source_;
  std::string name_;
  bool descending_;
  std::unique_ptr<Json> json_;
};

}  // namespace millrace::tool
