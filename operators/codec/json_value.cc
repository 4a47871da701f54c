#include "millrace/operators/codec/json_value.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

namespace millrace {
namespace {

static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

constexpr std::uint64_t repeat(unsigned char byte) { return 0x0101010101010101u * byte; }

/// Marks the zero bytes of `word` in their top bits; above the first one there may be false marks.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - repeat(1)) & ~word & repeat(0x80);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Moves `at` behind the digits that begin there. REQUIRES: kRecordPadding readable bytes at `end`.
void skip_digits(const char*& at, const char* end) {
  for (; at < end; at += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t value = word ^ repeat('0');  // of a digit: 0 to 9
    const std::uint64_t others = (((value & repeat(0x7F)) + repeat(0x76)) | value) & repeat(0x80);
    if (others == 0) continue;
    at += std::countr_zero(others) / 8;
    break;
  }
  at = std::min(at, end);
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Reads the four digits of \uXXXX at `digits`; -1 if there are not four before `end`.
int hex_quad(const char* digits, const char* end) {
  if (end - digits < 4) return -1;
  int code = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(digits[i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

/// Returns what the escape `\c` stands for, or 0 if it is none of the simple ones.
char simple_escape(char c) {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '/':
      return '/';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

char* append_utf8(char* to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return to;
}

bool is_high_surrogate(int code) { return code >= 0xD800 && code <= 0xDBFF; }
bool is_low_surrogate(int code) { return code >= 0xDC00 && code <= 0xDFFF; }

/// Decodes one escape; `from` is at the backslash and is moved behind it.
RecordError decode_escape(const char*& from, const char* end, std::uint32_t& code) {
  if (end - from < 2) return RecordError::kMalformed;
  if (from[1] != 'u') {
    code = static_cast<unsigned char>(simple_escape(from[1]));
    from += 2;
    return code == 0 ? RecordError::kMalformed : RecordError::kNone;
  }
  const int first = hex_quad(from + 2, end);
  if (first < 0) return RecordError::kMalformed;
  from += 6;
  code = static_cast<std::uint32_t>(first);
  if (is_low_surrogate(first)) return RecordError::kFieldInvalidUtf8;
  if (!is_high_surrogate(first)) return RecordError::kNone;
  const int second =
      end - from >= 6 && from[0] == '\\' && from[1] == 'u' ? hex_quad(from + 2, end) : -1;
  if (!is_low_surrogate(second)) return RecordError::kFieldInvalidUtf8;
  from += 6;
  code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<std::uint32_t>(second) - 0xDC00);
  return RecordError::kNone;
}

RecordError read_text(const char*& cursor, const char* end, Utf8 utf8, Arena& arena,
                      std::string_view& text) {
  JsonString string;
  if (!scan_json_string(cursor, end, string)) return RecordError::kMalformed;
  text = string.raw;
  if (utf8 == Utf8::kUnknown && !string.ascii && !simdjson::validate_utf8(text.data(), text.size()))
    return RecordError::kFieldInvalidUtf8;
  if (!string.escaped) return RecordError::kNone;
  char* const to = arena.allocate(string.raw.size());
  std::size_t size = 0;
  const RecordError error = unescape_json(string.raw, to, size);
  text = {to, size};
  return error;
}

/// Reads the common case, a natural number of few enough digits. False if it is anything else, or
/// not what is wanted.
bool read_natural(const char*& cursor, const char* end, const FieldBinding& binding,
                  FieldValue& value) {
  constexpr std::ptrdiff_t kDigitsThatFit = 19;
  if (*cursor == '0') return false;
  const char* at = cursor;
  const char* const stop = cursor + std::min(end - cursor, kDigitsThatFit);
  std::uint64_t number = 0;
  for (; at < stop && is_digit(*at); ++at)
    number = number * 10 + static_cast<std::uint64_t>(*at - '0');
  if (at == cursor || number > binding.maximum || !at_json_delimiter(at, end)) return false;
  value.integer = number;
  cursor = at;
  return true;
}

RecordError read_number(const char*& cursor, const char* end, const FieldBinding& binding,
                        FieldValue& value) {
  if (binding.kind == FieldKind::kInteger && read_natural(cursor, end, binding, value))
    return RecordError::kNone;
  const char* const begin = cursor;
  bool integral = false;
  if (!scan_json_number(cursor, end, integral) || !at_json_delimiter(cursor, end))
    return RecordError::kMalformed;
  if (binding.kind == FieldKind::kInteger)
    return integral ? convert_json_integer(begin, cursor, binding, value)
                    : RecordError::kFieldFractional;
  if (binding.kind == FieldKind::kDouble) {
    const auto [ignored, error] = std::from_chars(begin, cursor, value.number);
    return error == std::errc{} ? RecordError::kNone : RecordError::kFieldOutOfRange;
  }
  return RecordError::kFieldWrongType;
}

}  // namespace

bool scan_json_string(const char*& cursor, const char* end, JsonString& string) {
  const char* const begin = cursor + 1;
  string = {};
  for (const char* at = begin; at < end;) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t high = word & repeat(0x80);
    const std::uint64_t control = (word - repeat(0x20)) & ~word & repeat(0x80);
    const std::uint64_t stop =
        zero_bytes(word ^ repeat('"')) | zero_bytes(word ^ repeat('\\')) | control;
    if (stop == 0) {
      string.ascii &= high == 0;
      at += sizeof word;
      continue;
    }
    const std::uint64_t before = (stop & (0 - stop)) - 1;
    string.ascii &= (high & before) == 0;
    at += std::countr_zero(stop) / 8;
    if (at >= end) return false;
    if (*at == '"') {
      string.raw = {begin, static_cast<std::size_t>(at - begin)};
      cursor = at + 1;
      return true;
    }
    if (*at != '\\') return false;  // a control character
    string.escaped = true;
    ++at;
    // What is escaped must not end the string; anything else is looked at as usual.
    if (at < end && (*at == '"' || *at == '\\')) ++at;
  }
  return false;
}

bool scan_json_number(const char*& cursor, const char* end, bool& integral) {
  const char* at = cursor;
  const auto digits = [&] {
    const char* const begin = at;
    skip_digits(at, end);
    return at != begin;
  };
  if (at < end && *at == '-') ++at;
  if (at < end && *at == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  integral = true;
  if (at < end && *at == '.') {
    ++at;
    integral = false;
    if (!digits()) return false;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    integral = false;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    if (!digits()) return false;
  }
  cursor = at;
  return true;
}

RecordError convert_json_integer(const char* begin, const char* end, const FieldBinding& binding,
                                 FieldValue& value) {
  const bool negative = *begin == '-';
  std::uint64_t magnitude = 0;
  const auto [ignored, error] = std::from_chars(begin + (negative ? 1 : 0), end, magnitude);
  if (error == std::errc{}) return take_integer(negative, magnitude, binding, value);
  return negative && binding.minimum >= 0 ? RecordError::kFieldNegative
                                          : RecordError::kFieldOutOfRange;
}

bool scan_json_literal(const char*& cursor, const char* end) {
  const std::string_view rest{cursor, static_cast<std::size_t>(end - cursor)};
  const char first = rest.empty() ? '\0' : rest.front();
  const std::string_view literal = first == 't' ? "true" : first == 'f' ? "false" : "null";
  if (!rest.starts_with(literal)) return false;
  cursor += literal.size();
  return true;
}

bool at_json_delimiter(const char* cursor, const char* end) {
  if (cursor >= end) return false;
  switch (*cursor) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ']':
    case '}':
      return true;
    default:
      return false;
  }
}

bool json_escapes_valid(std::string_view raw) {
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while ((at = static_cast<const char*>(
              std::memchr(at, '\\', static_cast<std::size_t>(end - at)))) != nullptr) {
    std::uint32_t ignored = 0;
    // Half a surrogate pair is valid syntax; it only cannot be text.
    if (decode_escape(at, end, ignored) == RecordError::kMalformed) return false;
  }
  return true;
}

RecordError unescape_json(std::string_view raw, char* to, std::size_t& size) {
  const char* const begin = to;
  const char* from = raw.data();
  const char* const end = from + raw.size();
  while (from < end) {
    if (*from != '\\') {
      *to++ = *from++;
      continue;
    }
    std::uint32_t code = 0;
    if (const RecordError error = decode_escape(from, end, code); error != RecordError::kNone)
      return error;
    to = append_utf8(to, code);  // never longer than its escape
  }
  size = static_cast<std::size_t>(to - begin);
  return RecordError::kNone;
}

bool escaped_json_key_equals(const char* raw, std::string_view name) {
  while (*raw != '"') {
    char encoded[4];
    std::size_t size = 1;
    if (*raw == '\\') {
      std::uint32_t code = 0;
      // An escape is at most twelve bytes, and a string that has ended has no more of it.
      if (decode_escape(raw, raw + 12, code) != RecordError::kNone) return false;
      size = static_cast<std::size_t>(append_utf8(encoded, code) - encoded);
    } else {
      encoded[0] = *raw++;
    }
    if (!name.starts_with(std::string_view{encoded, size})) return false;
    name.remove_prefix(size);
  }
  return name.empty();
}

RecordError read_json_value(const char*& cursor, const char* end, const FieldBinding& binding,
                            Utf8 utf8, Arena& arena, FieldValue& value) {
  value.state = FieldValue::State::kPresent;
  if (cursor >= end) return RecordError::kMalformed;
  switch (*cursor) {
    case '"': {
      if (binding.kind != FieldKind::kString && binding.kind != FieldKind::kInteger)
        return RecordError::kFieldWrongType;
      const RecordError error = read_text(cursor, end, utf8, arena, value.text);
      if (error != RecordError::kNone || binding.kind == FieldKind::kString) return error;
      return read_integer(value.text, binding, value);
    }
    case '{':
    case '[':
      return RecordError::kFieldWrongType;
    case 't':
    case 'f':
    case 'n': {
      const char first = *cursor;
      if (!scan_json_literal(cursor, end) || !at_json_delimiter(cursor, end))
        return RecordError::kMalformed;
      if (first == 'n') {
        value.state = FieldValue::State::kNull;
        return binding.optional ? RecordError::kNone : RecordError::kFieldNull;
      }
      value.boolean = first == 't';
      return binding.kind == FieldKind::kBool ? RecordError::kNone : RecordError::kFieldWrongType;
    }
    default:
      return read_number(cursor, end, binding, value);
  }
}

}  // namespace millrace
