#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/codec.h"

namespace millrace {

/// Whole numbers as decimal text: "-42". Nothing else may stand in the record, but a carriage
/// return at its end may.
class DecimalIntegerCodec {
 public:
  using value_type = std::int64_t;

  /// Errors: kEmpty, kMalformed, kFieldFractional ("1.5"), kFieldOutOfRange.
  DecodeOutcome decode(const RecordView& record, Arena& arena, std::int64_t& value) const;
  void encode(std::int64_t value, std::string& out) const;
  std::string describe() const { return "decimal_integer()"; }
};

/// UTF-8 text, as it stands in the record; the decoded view lives as long as the batch. An empty
/// record is an empty text.
class TextCodec {
 public:
  using value_type = std::string_view;

  /// Errors: kEmpty (a null value), kFieldInvalidUtf8.
  DecodeOutcome decode(const RecordView& record, Arena& arena, std::string_view& value) const;
  void encode(std::string_view value, std::string& out) const { out += value; }
  std::string describe() const { return "text()"; }
};

/// Any bytes, as they stand in the record; the decoded view lives as long as the batch. A null
/// value stays null.
class BytesCodec {
 public:
  using value_type = std::string_view;

  DecodeOutcome decode(const RecordView& record, Arena&, std::string_view& value) const {
    value = record.value;
    return {};
  }
  void encode(std::string_view value, std::string& out) const { out += value; }
  bool is_null(std::string_view value) const { return value.data() == nullptr; }
  std::string describe() const { return "bytes()"; }
};

inline DecimalIntegerCodec decimal_integer() { return {}; }
inline TextCodec text() { return {}; }
inline BytesCodec bytes() { return {}; }

}  // namespace millrace
