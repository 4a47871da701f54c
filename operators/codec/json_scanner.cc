#include "millrace/operators/codec/json_scanner.h"

#include <simdjson.h>

namespace millrace {
DecodeOutcome JsonScanner::scan(std::string_view text, std::span<const FieldBinding> bindings,
                                Strictness strictness, Arena& arena, std::span<FieldValue> values) {
  cursor_ = text.data();
  end_ = cursor_ + text.size();
  for (FieldValue& value : values) value = {};
  if (text.empty()) return {RecordError::kEmpty, {}};
  skip_space();
  if (cursor_ == end_) return {RecordError::kMalformed, {}};
  if (*cursor_ != '{')
    return {skip_value() && at_end() ? RecordError::kRootNotObject : RecordError::kMalformed, {}};
  return scan_root(bindings, strictness, arena, values);
}

DecodeOutcome JsonScanner::scan_root(std::span<const FieldBinding> bindings, Strictness strictness,
                                     Arena& arena, std::span<FieldValue> values) {
  const std::uint64_t all = bindings.empty() ? 0 : ~std::uint64_t{0} >> (64 - bindings.size());
  FieldSearch search{bindings, all, strictness};
  ++cursor_;
  skip_space();
  if (!take('}')) {
    do {
      if (search.is_over()) return {};
      skip_space();
      const char* const key = cursor_ + 1;
      if (!skip_key()) return search.malformed();
      const std::size_t index =
          search.find([&](std::string_view name) { return json_key_equals(key, name); });
      if (index == FieldSearch::kNone) {
        if (!skip_value()) return search.malformed();
      } else {
        const RecordError error =
            read_json_value(cursor_, end_, bindings[index], Utf8::kUnknown, arena, values[index]);
        if (error != RecordError::kNone) return search.failed(index, error, values[index]);
        search.found(index);
      }
      if (search.is_over()) return {};
      skip_space();
    } while (take(','));
    if (!take('}')) return search.malformed();
  }
  if (search.judges_all() && !at_end()) return search.malformed();
  return search.ended();
}

/// Skips one value with everything in it, and checks all of it.
bool JsonScanner::skip_value() {
  in_object_.clear();
  for (;;) {
    // A value begins here.
    if (cursor_ == end_) return false;
    const char first = *cursor_;
    if (first == '{' || first == '[') {
      ++cursor_;
      skip_space();
      in_object_.push_back(first == '{');
      if (!take(first == '{' ? '}' : ']')) {
        if (first == '{' && !skip_key()) return false;
        continue;
      }
      in_object_.pop_back();
    } else if (!(first == '"' ? skip_string() : skip_scalar())) {
      return false;
    }
    // A value has ended here, and with it perhaps those around it.
    for (;;) {
      if (in_object_.empty()) return true;
      skip_space();
      if (take(',')) break;
      if (!take(in_object_.back() ? '}' : ']')) return false;
      in_object_.pop_back();
    }
    skip_space();
    if (in_object_.back() && !skip_key()) return false;
  }
}

/// Skips a key, its colon, and the space up to the value.
bool JsonScanner::skip_key() {
  if (!skip_string()) return false;
  skip_space();
  if (!take(':')) return false;
  skip_space();
  return true;
}

bool JsonScanner::skip_string() {
  if (cursor_ == end_ || *cursor_ != '"') return false;
  JsonString string;
  if (!scan_json_string(cursor_, end_, string)) return false;
  if (!string.ascii && !simdjson::validate_utf8(string.raw.data(), string.raw.size())) return false;
  return !string.escaped || json_escapes_valid(string.raw);
}

bool JsonScanner::skip_scalar() {
  bool integral = false;
  if (!scan_json_number(cursor_, end_, integral) && !scan_json_literal(cursor_, end_)) return false;
  return cursor_ == end_ || at_json_delimiter(cursor_, end_);
}

bool JsonScanner::take(char c) {
  if (cursor_ == end_ || *cursor_ != c) return false;
  ++cursor_;
  return true;
}

bool JsonScanner::at_end() {
  skip_space();
  return cursor_ == end_;
}

void JsonScanner::skip_space() {
  while (cursor_ != end_ &&
         (*cursor_ == ' ' || *cursor_ == '\n' || *cursor_ == '\r' || *cursor_ == '\t'))
    ++cursor_;
}

}  // namespace millrace
