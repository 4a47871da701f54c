#include "millrace/apps/millrace/sort_key.h"

#include <fmt/format.h>

#include <limits>

#include "millrace/operators/codec/json_reader.h"
#include "millrace/operators/codec/text.h"

namespace millrace::tool {
namespace {

constexpr std::string_view kNumberPrefix = "json:/";
constexpr std::string_view kTextPrefix = "json-text:/";
constexpr std::size_t kShownBytes = 60;

std::vector<FieldBinding> binding(const std::string& field, FieldKind kind) {
  FieldBinding found;
  found.name = field;
  found.kind = kind;
  found.minimum = std::numeric_limits<std::int64_t>::min();
  found.maximum = std::numeric_limits<std::int64_t>::max();
  return {found};
}

// The field that `by` names behind the prefix; empty if it is none of the root.
std::string field_name(std::string_view by, std::string_view prefix) {
  if (!by.starts_with(prefix) || by.find('/', prefix.size()) != std::string_view::npos) return {};
  return std::string{by.substr(prefix.size())};
}

}  // namespace

struct SortKey::Json {
  Json(const std::string& field, FieldKind kind) : reader{binding(field, kind)} {}

  JsonReader reader;
  Arena arena;
};

SortKey::SortKey(Source source, std::string name, bool descending)
    : source_{source}, name_{std::move(name)}, descending_{descending} {
  if (source_ == Source::kJsonNumber) json_ = std::make_unique<Json>(name_, FieldKind::kInteger);
  if (source_ == Source::kJsonText) json_ = std::make_unique<Json>(name_, FieldKind::kString);
}
SortKey::SortKey(SortKey&&) noexcept = default;
SortKey& SortKey::operator=(SortKey&&) noexcept = default;
SortKey::~SortKey() = default;

Result<SortKey> SortKey::parse(std::string_view by, bool descending) {
  const std::string name{by};
  if (by == "value") return SortKey{Source::kValue, name, descending};
  if (by == "key") return SortKey{Source::kKey, name, descending};
  if (by == "event-time") return SortKey{Source::kEventTime, name, descending};
  if (const std::string field = field_name(by, kNumberPrefix); !field.empty())
    return SortKey{Source::kJsonNumber, field, descending};
  if (const std::string field = field_name(by, kTextPrefix); !field.empty())
    return SortKey{Source::kJsonText, field, descending};
  return Status::invalid(
      fmt::format("--by '{}' is none of value, key, event-time, json:/FIELD, json-text:/FIELD (a "
                  "field of the root)",
                  by));
}

std::string_view SortKey::read(const RecordView& record, SortValue& value) {
  value.is_text = source_ == Source::kKey || source_ == Source::kJsonText;
  switch (source_) {
    case Source::kValue: {
      Arena unused;
      const DecodeOutcome outcome = DecimalIntegerCodec{}.decode(record, unused, value.number);
      return outcome.ok() ? std::string_view{} : "its value is no decimal integer";
    }
    case Source::kKey:
      value.text = record.key;
      return {};
    case Source::kEventTime:
      value.number = record.timestamp_ms;
      return record.timestamp_ms == RecordView::kNoTimestamp ? "it has no timestamp"
                                                             : std::string_view{};
    case Source::kJsonNumber:
    case Source::kJsonText:
      break;
  }
  FieldValue found;
  json_->arena.reset();
  const DecodeOutcome outcome = json_->reader.read(record, json_->arena, {&found, 1});
  if (!outcome.ok()) return to_string(outcome.error);
  value.number = static_cast<std::int64_t>(found.integer);
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
