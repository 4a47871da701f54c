#include "millrace/operators/codec/msgpack_reader.h"

#include <simdjson.h>

#include <string_view>
#include <utility>

#include "millrace/operators/codec/msgpack_value.h"

namespace millrace {
namespace {

using Type = MsgpackHead::Type;

/// Takes `size` bytes as text. False if they are not there.
bool take_text(const char*& cursor, const char* end, std::uint64_t size, std::string_view& text) {
  if (size > static_cast<std::uint64_t>(end - cursor)) return false;
  text = {cursor, static_cast<std::size_t>(size)};
  cursor += size;
  return true;
}

/// Reads a key. False if it is cut short or malformed; `key` is null if it is no text.
bool read_key(const char*& cursor, const char* end, std::string_view& key) {
  key = {};
  const char* const begin = cursor;
  MsgpackHead head;
  if (read_msgpack_head(cursor, end, head) != MsgpackEnd::kComplete) return false;
  if (head.type == Type::kText) return take_text(cursor, end, head.size, key);
  cursor = begin;
  return skip_msgpack(cursor, end) == MsgpackEnd::kComplete;
}

RecordError read_text(std::string_view text, const FieldBinding& binding, FieldValue& value) {
  if (binding.kind == FieldKind::kInteger) return read_integer(text, binding, value);
  if (binding.kind != FieldKind::kString) return RecordError::kFieldWrongType;
  value.text = text;
  return simdjson::validate_utf8(text.data(), text.size()) ? RecordError::kNone
                                                           : RecordError::kFieldInvalidUtf8;
}

RecordError read_number(const MsgpackHead& head, const FieldBinding& binding, FieldValue& value) {
  const bool integral = head.type == Type::kInteger;
  if (binding.kind == FieldKind::kInteger)
    return integral ? take_integer(head.negative, head.magnitude, binding, value)
                    : RecordError::kFieldFractional;
  if (binding.kind != FieldKind::kDouble) return RecordError::kFieldWrongType;
  const auto magnitude = static_cast<double>(head.magnitude);
  value.number = !integral ? head.number : head.negative ? -magnitude : magnitude;
  return RecordError::kNone;
}

/// Reads the value at `cursor` as `binding` wants it. On success `cursor` is behind it.
RecordError read_value(const char*& cursor, const char* end, const FieldBinding& binding,
                       FieldValue& value) {
  MsgpackHead head;
  if (read_msgpack_head(cursor, end, head) != MsgpackEnd::kComplete) return RecordError::kMalformed;
  value.state = FieldValue::State::kPresent;
  switch (head.type) {
    case Type::kNil:
      value.state = FieldValue::State::kNull;
      return binding.optional ? RecordError::kNone : RecordError::kFieldNull;
    case Type::kBool:
      value.boolean = head.boolean;
      return binding.kind == FieldKind::kBool ? RecordError::kNone : RecordError::kFieldWrongType;
    case Type::kInteger:
    case Type::kDouble:
      return read_number(head, binding, value);
    case Type::kText: {
      std::string_view text;
      return take_text(cursor, end, head.size, text) ? read_text(text, binding, value)
                                                     : RecordError::kMalformed;
    }
    default:
      return RecordError::kFieldWrongType;
  }
}

}  // namespace

MsgpackReader::MsgpackReader(std::vector<FieldBinding> bindings, Strictness strictness)
    : bindings_(std::move(bindings)), strictness_(strictness), all_(all_of(bindings_)) {}

DecodeOutcome MsgpackReader::read(const RecordView& record, std::span<FieldValue> values) const {
  for (FieldValue& value : values) value = {};
  if (record.value.empty()) return {RecordError::kEmpty, {}};
  const char* cursor = record.value.data();
  const char* const end = cursor + record.value.size();
  MsgpackHead head;
  const MsgpackEnd result = read_msgpack_head(cursor, end, head);
  if (result == MsgpackEnd::kComplete && head.type == Type::kMap)
    return scan_map(cursor, end, head.size, values);
  cursor = record.value.data();
  const bool whole = skip_msgpack(cursor, end) == MsgpackEnd::kComplete && cursor == end;
  return {whole ? RecordError::kRootNotObject : RecordError::kMalformed, {}};
}

DecodeOutcome MsgpackReader::scan_map(const char* cursor, const char* end, std::uint64_t pairs,
                                      std::span<FieldValue> values) const {
  FieldSearch search{bindings_, all_, strictness_};
  for (; pairs > 0; --pairs) {
    if (search.is_over()) return {};
    std::string_view key;
    if (!read_key(cursor, end, key)) return search.malformed();
    const std::size_t index = key.data() == nullptr
                                  ? FieldSearch::kNone
                                  : search.find([&](std::string_view name) { return name == key; });
    if (index == FieldSearch::kNone) {
      if (skip_msgpack(cursor, end) != MsgpackEnd::kComplete) return search.malformed();
      continue;
    }
    const RecordError error = read_value(cursor, end, bindings_[index], values[index]);
    if (error != RecordError::kNone) return search.failed(index, error, values[index]);
    search.found(index);
  }
  if (search.judges_all() && cursor != end) return search.malformed();
  return search.ended();
}

}  // namespace millrace
