#include "millrace/apps/millrace/sort_key.h"

#include <fmt/format.h>

#include <limits>

#include "millrace/operators/codec/json_reader.h"
#include "millrace/operators/codec/text.h"

namespace millrace::tool {
namespace {

constexpr std::string_view kJsonPrefix = "json:/";
constexpr std::size_t kShownBytes = 60;

// The JSON type of a field is not known before its record: two readers, each for one of them.
std::vector<JsonBinding> binding(const std::string& field, JsonKind kind) {
  JsonBinding found;
  found.name = field;
  found.kind = kind;
  found.minimum = std::numeric_limits<std::int64_t>::min();
  found.maximum = std::numeric_limits<std::int64_t>::max();
  return {found};
}

}  // namespace

struct SortKey::Json {
  explicit Json(const std::string& field)
      : integers{binding(field, JsonKind::kInteger)}, texts{binding(field, JsonKind::kString)} {}

  JsonReader integers;
  JsonReader texts;
  Arena arena;
};

SortKey::SortKey(Source source, std::string name, bool descending)
    : source_{source}, name_{std::move(name)}, descending_{descending} {
  if (source_ == Source::kJson) json_ = std::make_unique<Json>(name_);
}
SortKey::SortKey(SortKey&&) noexcept = default;
SortKey& SortKey::operator=(SortKey&&) noexcept = default;
SortKey::~SortKey() = default;

Result<SortKey> SortKey::parse(std::string_view by, bool descending) {
  const std::string name{by};
  if (by == "value") return SortKey{Source::kValue, name, descending};
  if (by == "key") return SortKey{Source::kKey, name, descending};
  if (by == "event-time") return SortKey{Source::kEventTime, name, descending};
  if (by.starts_with(kJsonPrefix) && by.size() > kJsonPrefix.size()) {
    const std::string field{by.substr(kJsonPrefix.size())};
    if (field.find_first_of("/~") == std::string::npos)
      return SortKey{Source::kJson, field, descending};
  }
  return Status::invalid(fmt::format(
      "--by '{}' is none: there are value, key, event-time and json:/FIELD, a field of the root",
      by));
}

std::string_view SortKey::read(const RecordView& record, SortValue& value) {
  switch (source_) {
    case Source::kValue: {
      Arena unused;
      const DecodeOutcome outcome = DecimalIntegerCodec{}.decode(record, unused, value.number);
      return outcome.ok() ? std::string_view{} : "its value is no decimal integer";
    }
    case Source::kKey:
      if (!record.has_key()) return "it has no key";
      value.is_text = true;
      value.text = record.key;
      return {};
    case Source::kEventTime:
      value.number = record.timestamp_ms;
      return record.timestamp_ms == RecordView::kNoTimestamp ? "it has no timestamp"
                                                             : std::string_view{};
    case Source::kJson:
      return read_json(record, value);
  }
  return {};
}

std::string_view SortKey::read_json(const RecordView& record, SortValue& value) {
  JsonValue found;
  json_->arena.reset();
  DecodeOutcome outcome = json_->integers.read(record, json_->arena, {&found, 1});
  if (outcome.ok()) {
    value.is_text = false;
    value.number = static_cast<std::int64_t>(found.integer);
    value.text.clear();
    return {};
  }
  if (outcome.error != RecordError::kFieldWrongType) return to_string(outcome.error);
  found = {};
  outcome = json_->texts.read(record, json_->arena, {&found, 1});
  if (!outcome.ok()) return "its field is neither a whole number nor a text";
  value.is_text = true;
  value.number = 0;
  value.text = found.text;
  return {};
}

std::string SortKey::show(const SortValue& value) {
  if (!value.is_text) return std::to_string(value.number);
  std::string shown = "'";
  for (const char each : value.text.substr(0, kShownBytes)) {
    const bool printable = each >= ' ' && each <= '~';
    shown += printable ? std::string(1, each)
                       : fmt::format("\\x{:02x}", static_cast<unsigned char>(each));
  }
  return shown + (value.text.size() > kShownBytes ? "..." : "") + "'";
}

}  // namespace millrace::tool
