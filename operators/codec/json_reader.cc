#include "millrace/operators/codec/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "millrace/operators/codec/json_scanner.h"

namespace millrace {

static_assert(kRecordPadding >= simdjson::SIMDJSON_PADDING, "records are parsed where they lie");

namespace {

/// The beginning of a field's name, by which most keys are told apart from it in one comparison.
class KeyStart {
 public:
  explicit KeyStart(std::string_view name) {
    if (name.find_first_of("\"\\") != std::string_view::npos) return;  // always the long way
    std::array<char, sizeof bytes_> first{};
    std::string quoted{name};
    quoted.push_back('"');
    const std::size_t size = std::min(quoted.size(), first.size());
    std::copy_n(quoted.begin(), size, first.begin());
    std::memcpy(&bytes_, first.data(), sizeof bytes_);
    mask_ = ~std::uint64_t{0} >> (8 * (sizeof mask_ - size));
    is_all_ = size == quoted.size();
  }

  /// As json_key_equals(). REQUIRES: kRecordPadding readable bytes behind the key.
  bool matches(const char* raw, std::string_view name) const {
    std::uint64_t word;
    std::memcpy(&word, raw, sizeof word);
    const std::uint64_t difference = (word ^ bytes_) & mask_;
    if (difference == 0) return is_all_ || json_key_equals(raw, name);
    return raw[std::countr_zero(difference) / 8] == '\\' && json_key_equals(raw, name);
  }

 private:
  std::uint64_t bytes_ = 0;
  std::uint64_t mask_ = 0;
  bool is_all_ = false;  ///< the name with its closing quote, not only a beginning
};

}  // namespace

struct JsonReader::State {
  State(std::vector<FieldBinding> wanted, Strictness judged)
      : bindings(std::move(wanted)), strictness(judged), all(all_of(bindings)) {
    for (std::size_t i = 0; i < bindings.size(); ++i) {
      if (!bindings[i].optional) required |= std::uint64_t{1} << i;
      starts.emplace_back(bindings[i].name);
    }
  }

  bool read_fast(std::string_view text, Arena& arena, std::span<FieldValue> values);
  bool reserve(std::size_t size);

  const std::vector<FieldBinding> bindings;
  std::vector<KeyStart> starts;  ///< one for each binding
  const Strictness strictness;
  const std::uint64_t all;     ///< a bit for each binding
  std::uint64_t required = 0;  ///< a bit for each that is not optional
  simdjson::ondemand::parser parser;
  JsonScanner scanner;
};

namespace {

constexpr std::size_t kFirstCapacity = 16 * 1024;

/// Checks an unread root value as far as that is cheap: containers are left to the parser, which
/// counts their brackets.
bool skippable(std::string_view token) {
  const char* cursor = token.data();
  const char* const end = cursor + token.size();
  if (*cursor == '"' || *cursor == '{' || *cursor == '[') return true;
  bool integral = false;
  return (scan_json_number(cursor, end, integral) || scan_json_literal(cursor, end)) &&
         (cursor == end || at_json_delimiter(cursor, end));
}

}  // namespace

/// Makes room for a document of `size` bytes. Doubles, since the parser itself would follow each
/// new length exactly.
bool JsonReader::State::reserve(std::size_t size) {
  if (size <= parser.capacity()) return true;
  return parser.allocate(std::max(std::bit_ceil(size), kFirstCapacity)) == simdjson::SUCCESS;
}

/// Returns true if the record is good. False says nothing: the parser judges the document as a
/// whole first, and so fails on bad bytes or an open string behind the bound fields too.
bool JsonReader::State::read_fast(std::string_view text, Arena& arena,
                                  std::span<FieldValue> values) {
  simdjson::ondemand::document document;
  simdjson::ondemand::object root;
  if (text.front() != '{' || !reserve(text.size()) ||
      parser.iterate(text.data(), text.size(), text.size() + kRecordPadding).get(document) ||
      document.get_object().get(root))
    return false;
  const char* const end = text.data() + text.size();
  std::uint64_t wanted = all;
  for (auto next : root) {
    simdjson::ondemand::field field;
    if (std::move(next).get(field)) return false;
    const char* const key = field.key().raw();
    std::uint64_t candidates = wanted;
    for (; candidates != 0; candidates &= candidates - 1) {
      const auto index = static_cast<std::size_t>(std::countr_zero(candidates));
      if (starts[index].matches(key, bindings[index].name)) break;
    }
    if (candidates == 0) {
      if (!skippable(field.value().raw_json_token())) return false;
      continue;
    }
    const auto index = static_cast<std::size_t>(std::countr_zero(candidates));
    const char* cursor = field.value().raw_json_token().data();
    if (read_json_value(cursor, end, bindings[index], Utf8::kValid, arena, values[index]) !=
        RecordError::kNone)
      return false;
    wanted &= ~(std::uint64_t{1} << index);
    if (wanted == 0) return true;
  }
  return (wanted & required) == 0;
}

JsonReader::JsonReader(std::vector<FieldBinding> bindings, Strictness strictness)
    : state_(std::make_unique<State>(std::move(bindings), strictness)) {}

JsonReader::JsonReader(const JsonReader& other)
    : state_(std::make_unique<State>(other.state_->bindings, other.state_->strictness)) {}
JsonReader::JsonReader(JsonReader&& other) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader other) noexcept {
  state_ = std::move(other.state_);
  return *this;
}
JsonReader::~JsonReader() = default;

DecodeOutcome JsonReader::read(const RecordView& record, Arena& arena,
                               std::span<FieldValue> values) {
  if (record.value.empty()) return {RecordError::kEmpty, {}};
  const bool whole = state_->strictness == Strictness::kWholeRecord;
  if (!whole && state_->read_fast(record.value, arena, values)) return {};
  return state_->scanner.scan(record.value, state_->bindings, state_->strictness, arena, values);
}

std::span<const FieldBinding> JsonReader::bindings() const { return state_->bindings; }
Strictness JsonReader::strictness() const { return state_->strictness; }

}  // namespace millrace
