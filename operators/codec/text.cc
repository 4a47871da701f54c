#include "millrace/operators/codec/text.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>

namespace millrace {

DecodeOutcome DecimalIntegerCodec::decode(const RecordView& record, Arena&,
                                          std::int64_t& value) const {
  std::string_view text = record.value;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return {RecordError::kEmpty, {}};
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::invalid_argument) return {RecordError::kMalformed, {}};
  if (behind != end) {
    const bool fraction = (*behind == '.' || *behind == 'e' || *behind == 'E') && behind + 1 != end;
    return {fraction ? RecordError::kFieldFractional : RecordError::kMalformed, {}};
  }
  return {error == std::errc{} ? RecordError::kNone : RecordError::kFieldOutOfRange, {}};
}

void DecimalIntegerCodec::encode(std::int64_t value, std::string& out) const {
  const fmt::format_int digits{value};
  out.append(digits.data(), digits.size());
}

DecodeOutcome TextCodec::decode(const RecordView& record, Arena&, std::string_view& value) const {
  value = record.value;
  if (!record.has_value()) return {RecordError::kEmpty, {}};
  const bool valid = simdjson::validate_utf8(value.data(), value.size());
  return {valid ? RecordError::kNone : RecordError::kFieldInvalidUtf8, {}};
}

}  // namespace millrace
