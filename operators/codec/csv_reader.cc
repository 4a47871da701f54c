#include "millrace/operators/codec/csv_reader.h"

#include <simdjson.h>

#include <cstring>
#include <utility>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

const char* find(const char* begin, const char* end, char c) {
  return static_cast<const char*>(std::memchr(begin, c, static_cast<std::size_t>(end - begin)));
}

bool is_utf8(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80 || simdjson::validate_utf8(text.data(), text.size());
}

/// True if `raw` may stand without quotes. Looks at all of it: so the compiler makes vectors of it.
bool is_plain(std::string_view raw) {
  bool special = false;
  for (const char c : raw) special |= c == '"' || c == '\r' || c == '\n';
  return !special;
}

/// Copies `raw` with single quotes for double ones.
std::string_view undouble(std::string_view raw, Arena& arena) {
  char* const begin = arena.allocate(raw.size());
  char* to = begin;
  const char* from = raw.data();
  const char* const end = from + raw.size();
  while (const char* const quote = find(from, end, '"')) {
    const auto size = static_cast<std::size_t>(quote + 1 - from);
    std::memcpy(to, from, size);
    to += size;
    from = quote + 2;
  }
  std::memcpy(to, from, static_cast<std::size_t>(end - from));
  to += end - from;
  return {begin, static_cast<std::size_t>(to - begin)};
}

RecordError read_column(const CsvColumn& column, const FieldBinding& binding, Arena& arena,
                        FieldValue& value) {
  if (!column.quoted) {
    if (column.raw.empty()) {
      value.state = FieldValue::State::kNull;
      return binding.optional ? RecordError::kNone : RecordError::kFieldNull;
    }
    if (!is_plain(column.raw)) return RecordError::kMalformed;
  }
  value.state = FieldValue::State::kPresent;
  switch (binding.kind) {
    case FieldKind::kString:
      if (!is_utf8(column.raw)) return RecordError::kFieldInvalidUtf8;
      value.text = column.doubled ? undouble(column.raw, arena) : column.raw;
      return RecordError::kNone;
    case FieldKind::kInteger:
      return read_integer(column.raw, binding, value);
    case FieldKind::kDouble:
      return read_double(column.raw, value);
    case FieldKind::kBool:
      value.boolean = column.raw == "true";
      return value.boolean || column.raw == "false" ? RecordError::kNone
                                                    : RecordError::kFieldWrongType;
  }
  return RecordError::kMalformed;
}

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool can_separate(char c) {
  const bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return !is_word && std::string_view{"\"\r\n.+-"}.find(c) == std::string_view::npos;
}

}  // namespace

bool scan_csv_column(const char*& cursor, const char* end, char separator, CsvColumn& column) {
  column = {};
  if (cursor == end || *cursor != '"') {
    const char* const found = find(cursor, end, separator);
    const char* const stop = found == nullptr ? end : found;
    column.raw = {cursor, static_cast<std::size_t>(stop - cursor)};
    cursor = stop;
    return true;
  }
  const char* const begin = cursor + 1;
  const char* at = begin;
  while ((at = find(at, end, '"')) != nullptr) {
    const char* const behind = at + 1;
    if (behind != end && *behind == '"') {
      column.doubled = true;
      at += 2;
      continue;
    }
    column.raw = {begin, static_cast<std::size_t>(at - begin)};
    column.quoted = true;
    cursor = behind;
    return behind == end || *behind == separator;
  }
  return false;
}

std::vector<std::string> csv_column_names(const CsvOptions& options) {
  std::vector<std::string> names;
  if (options.header.empty()) return names;
  Arena arena;
  const std::string_view text = without_line_end(options.header);
  const char* cursor = text.data();
  const char* const end = cursor + text.size();
  for (;; ++cursor) {
    CsvColumn column;
    if (!scan_csv_column(cursor, end, options.separator, column)) return {};
    names.emplace_back(column.doubled ? undouble(column.raw, arena) : column.raw);
    if (cursor == end) return names;
  }
}

CsvReader::CsvReader(std::vector<FieldBinding> bindings, const CsvOptions& options,
                     Strictness strictness)
    : bindings_(std::move(bindings)),
      separator_(options.separator),
      strictness_(strictness),
      all_(all_of(bindings_)) {
  MILLRACE_CHECK(can_separate(separator_), "columns are separated by what no number holds");
  if (options.header.empty()) {
    for (std::size_t i = 0; i < bindings_.size(); ++i) columns_.push_back(static_cast<int>(i));
    return;
  }
  const std::vector<std::string> names = csv_column_names(options);
  columns_.assign(names.size(), kUnbound);
  for (std::size_t i = 0; i < bindings_.size(); ++i) {
    std::size_t column = 0;
    while (column < names.size() && names[column] != bindings_[i].name) ++column;
    MILLRACE_CHECK(column < names.size(), "each field bound is a column of the CSV header");
    columns_[column] = static_cast<int>(i);
  }
}

DecodeOutcome CsvReader::read(const RecordView& record, Arena& arena,
                              std::span<FieldValue> values) const {
  for (FieldValue& value : values) value = {};
  const std::string_view text = without_line_end(record.value);
  if (text.empty()) return {RecordError::kEmpty, {}};
  return scan(text, arena, values);
}

DecodeOutcome CsvReader::scan(std::string_view text, Arena& arena,
                              std::span<FieldValue> values) const {
  FieldSearch search{bindings_, all_, strictness_};
  if (search.judges_all() && !is_utf8(text)) return search.malformed();
  const char* cursor = text.data();
  const char* const end = cursor + text.size();
  std::size_t columns = 0;
  for (;; ++cursor) {
    if (search.is_over()) return {};
    CsvColumn column;
    const bool closed = scan_csv_column(cursor, end, separator_, column);
    const int bound = columns < columns_.size() ? columns_[columns] : kUnbound;
    ++columns;
    if (bound == kUnbound) {
      if (!closed || (search.judges_all() && !column.quoted && !is_plain(column.raw)))
        return search.malformed();
    } else {
      const auto index = static_cast<std::size_t>(bound);
      const RecordError error = closed ? read_column(column, bindings_[index], arena, values[index])
                                       : RecordError::kMalformed;
      if (error != RecordError::kNone) return search.failed(index, error, values[index]);
      search.found(index);
    }
    if (cursor == end) break;
  }
  const DecodeOutcome outcome = search.ended();
  const bool miscounted = search.judges_all() && columns != columns_.size();
  return outcome.ok() && miscounted ? search.malformed() : outcome;
}

}  // namespace millrace
