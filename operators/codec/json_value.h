#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/framework/codec.h"
#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/field_value.h"

namespace millrace {

/// Whether the text to read is known to be UTF-8, so that strings need not be looked at again.
enum class Utf8 : std::uint8_t { kUnknown, kValid };

/// A JSON string in its raw form.
struct JsonString {
  std::string_view raw;  ///< between the quotes, escapes unresolved
  bool escaped = false;
  bool ascii = true;
};

/// Reads the string whose opening quote is at `cursor`, and moves `cursor` behind the closing one.
/// False if it has a control character or no end. REQUIRES: kRecordPadding readable bytes at `end`.
bool scan_json_string(const char*& cursor, const char* end, JsonString& string);

/// Moves `cursor` behind a number; `integral` tells whether it has neither fraction nor exponent.
/// False if it is none.
bool scan_json_number(const char*& cursor, const char* end, bool& integral);

/// Takes the integer in [begin, end), which is a JSON number without fraction and exponent, if it
/// is one that `binding` wants.
RecordError convert_json_integer(const char* begin, const char* end, const FieldBinding& binding,
                                 FieldValue& value);

/// Moves `cursor` behind true, false or null; false if there is none.
bool scan_json_literal(const char*& cursor, const char* end);

/// True if `cursor` is where a number or literal may end: at white space, ',', ']' or '}'.
bool at_json_delimiter(const char* cursor, const char* end);

/// True if every escape of a raw string is one that JSON knows.
bool json_escapes_valid(std::string_view raw);

/// Resolves the escapes of `raw` into `to`, which has room for raw.size() bytes, and sets `size`.
/// Returns kNone, kMalformed (no such escape) or kFieldInvalidUtf8 (half a surrogate pair).
RecordError unescape_json(std::string_view raw, char* to, std::size_t& size);

/// json_key_equals() for what is left of a key from its first escape on.
bool escaped_json_key_equals(const char* raw, std::string_view name);

/// True if the raw key, escapes resolved, equals `name`. `raw` begins behind the opening quote of a
/// string that has an end.
inline bool json_key_equals(const char* raw, std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (raw[i] == '\\') return escaped_json_key_equals(raw + i, name.substr(i));
    if (raw[i] != name[i] || raw[i] == '"') return false;
  }
  return raw[name.size()] == '"';
}

/// Reads the value at `cursor` as `binding` wants it. On success `cursor` is behind it.
RecordError read_json_value(const char*& cursor, const char* end, const FieldBinding& binding,
                            Utf8 utf8, Arena& arena, FieldValue& value);

}  // namespace millrace
