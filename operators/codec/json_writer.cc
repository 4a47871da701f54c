#include "millrace/operators/codec/json_writer.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <iterator>

namespace millrace {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void append_escaped(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

/// Appends the bytes that need no escape as they are, all others escaped.
void append_text(std::string_view text, std::string& out) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out += text.substr(plain, i - plain);
    append_escaped(text[i], out);
    plain = i + 1;
  }
  out += text.substr(plain);
}

/// Returns the length of the UTF-8 character at the front of `text`; 0 if there is none.
std::size_t character_length(std::string_view text) {
  for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length)
    if (simdjson::validate_utf8(text.data(), length)) return length;
  return 0;
}

}  // namespace

JsonWriter& JsonWriter::begin_object() {
  out_ += '{';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  string(name);
  out_ += ':';
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  out_ += '[';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::element() {
  if (!first_) out_ += ',';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  out_ += '"';
  if (simdjson::validate_utf8(text.data(), text.size())) {
    append_text(text, out_);
  } else {
    while (!text.empty()) {
      const std::size_t length = character_length(text);
      append_text(length == 0 ? kReplacement : text.substr(0, length), out_);
      text.remove_prefix(length == 0 ? 1 : length);
    }
  }
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::signed_integer(std::int64_t value) {
  const fmt::format_int digits{value};
  out_.append(digits.data(), digits.size());
  return *this;
}

JsonWriter& JsonWriter::unsigned_integer(std::uint64_t value) {
  const fmt::format_int digits{value};
  out_.append(digits.data(), digits.size());
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::number(double value, int decimals) {
  if (!std::isfinite(value)) return null();
  fmt::format_to(std::back_inserter(out_), "{:.{}f}", value, decimals);
  return *this;
}

JsonWriter& JsonWriter::null() {
  out_ += "null";
  return *this;
}

}  // namespace millrace
