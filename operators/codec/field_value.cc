#include "millrace/operators/codec/field_value.h"

#include <charconv>

#include "millrace/framework/check.h"
#include "millrace/operators/codec/json_value.h"

namespace millrace {
namespace {

/// Reads the common case, a natural number of few enough digits. False if `text` is anything else,
/// or not what is wanted.
bool read_natural(std::string_view text, const FieldBinding& binding, FieldValue& value) {
  constexpr std::size_t kDigitsThatFit = 19;
  if (text.empty() || text.size() > kDigitsThatFit || text.front() == '0') return false;
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (number > binding.maximum) return false;
  value.integer = number;
  return true;
}

}  // namespace

std::uint64_t all_of(std::span<const FieldBinding> bindings) {
  MILLRACE_CHECK(bindings.size() <= 64, "at most 64 fields can be bound");
  for (std::size_t i = 0; i < bindings.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      MILLRACE_CHECK(bindings[i].name != bindings[j].name, "each field is bound once");
  return bindings.empty() ? 0 : ~std::uint64_t{0} >> (64 - bindings.size());
}

DecodeOutcome FieldSearch::failed(std::size_t index, RecordError error, FieldValue& value) const {
  value = {};
  DecodeOutcome outcome = error == RecordError::kMalformed ? malformed() : DecodeOutcome{error, {}};
  if (!outcome.ok()) outcome.field = bindings_[index].name;
  return outcome;
}

/// `otherwise` is the error that ended the search, if one did.
DecodeOutcome FieldSearch::finish(RecordError otherwise) const {
  for (std::uint64_t left = wanted_; left != 0; left &= left - 1) {
    const FieldBinding& binding = bindings_[static_cast<std::size_t>(std::countr_zero(left))];
    if (binding.optional) continue;
    if (otherwise != RecordError::kNone) return {otherwise, {}};
    return {RecordError::kFieldMissing, binding.name};
  }
  return {};
}

RecordError take_integer(bool negative, std::uint64_t magnitude, const FieldBinding& binding,
                         FieldValue& value) {
  if (negative && magnitude != 0) {
    if (binding.minimum >= 0) return RecordError::kFieldNegative;
    // The magnitude of the lowest value of a type exceeds that of the highest by one: negate as
    // unsigned.
    if (magnitude > 0 - static_cast<std::uint64_t>(binding.minimum))
      return RecordError::kFieldOutOfRange;
    value.integer = 0 - magnitude;
    return RecordError::kNone;
  }
  if (magnitude > binding.maximum) return RecordError::kFieldOutOfRange;
  value.integer = magnitude;
  return RecordError::kNone;
}

RecordError read_integer(std::string_view text, const FieldBinding& binding, FieldValue& value) {
  if (read_natural(text, binding, value)) return RecordError::kNone;
  const char* cursor = text.data();
  const char* const end = cursor + text.size();
  bool integral = false;
  if (!scan_json_number(cursor, end, integral) || cursor != end)
    return RecordError::kFieldWrongType;
  return integral ? convert_json_integer(text.data(), end, binding, value)
                  : RecordError::kFieldFractional;
}

RecordError read_double(std::string_view text, FieldValue& value) {
  const char* cursor = text.data();
  const char* const end = cursor + text.size();
  bool integral = false;
  if (!scan_json_number(cursor, end, integral) || cursor != end)
    return RecordError::kFieldWrongType;
  const auto [ignored, error] = std::from_chars(text.data(), end, value.number);
  return error == std::errc{} ? RecordError::kNone : RecordError::kFieldOutOfRange;
}

}  // namespace millrace
