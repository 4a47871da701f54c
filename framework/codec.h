#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/record.h"
#include "millrace/framework/record_batch.h"

namespace millrace {

/// Why a record could not be decoded, or was refused for its time. The reason in dead-letter
/// headers and in counts.
enum class RecordError : std::uint8_t {
  kNone,
  kEmpty,             ///< null or empty value
  kMalformed,         ///< not the codec's syntax, or cut short
  kRootNotObject,     ///< valid, but not an object
  kFieldMissing,      ///< a bound field is not there
  kFieldNull,         ///< a bound field is null
  kFieldWrongType,    ///< a bound field has another type
  kFieldNegative,     ///< an unsigned field is negative
  kFieldFractional,   ///< an integer field has a fraction or an exponent
  kFieldOutOfRange,   ///< a number or time beyond its type
  kFieldInvalidUtf8,  ///< a text field is not UTF-8
  kTimestampJump,     ///< the jump guard found the event time implausible
  kUserException,     ///< a user's function threw
  kOutOfOrder,        ///< smaller than the record before it in an input that is promised sorted
};

inline constexpr std::size_t kRecordErrors = static_cast<std::size_t>(RecordError::kOutOfOrder) + 1;

/// Stable lower-case name, as written into dead-letter headers: "field-missing".
std::string_view to_string(RecordError error);

/// Result of decoding one record.
struct DecodeOutcome {
  RecordError error = RecordError::kNone;
  /// Name of the bound field at fault: static text, or kept by the codec as long as it lives.
  std::string_view field;
  bool ok() const { return error == RecordError::kNone; }
};

/// Turns record values into T. Copyable; each task works on its own copy, one thread at a time.
/// Views in the decoded value may point into `record` or `arena`, and die with the batch. On error
/// `value` is unspecified. Must not allocate per record after warm-up and must not throw.
template <class C>
concept DecodingCodec = std::copy_constructible<C> &&
    requires(C codec, const RecordView& record, Arena& arena, typename C::value_type& value) {
  { codec.decode(record, arena, value) } -> std::same_as<DecodeOutcome>;
  { codec.describe() } -> std::convertible_to<std::string>;
};

/// Appends the encoded value to `out`. One that has is_null(value) may write null values:
/// tombstones.
template <class C>
concept EncodingCodec = std::copy_constructible<C> &&
    requires(C codec, const typename C::value_type& value, std::string& out) {
  codec.encode(value, out);
  { codec.describe() } -> std::convertible_to<std::string>;
};

}  // namespace millrace
