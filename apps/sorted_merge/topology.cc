#include "millrace/apps/sorted_merge/topology.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "millrace/apps/sorted_merge/merge_record.h"
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/to.h"

namespace millrace {
namespace {

struct Number {
  std::int64_t value = 0;
};
struct Text {
  std::string_view value;
};

constexpr std::string_view kNumberPrefix = "json:/";
constexpr std::string_view kTextPrefix = "json-text:/";

/// The name of a field of the root; empty if it is none.
std::string field_name(std::string_view by, std::string_view prefix) {
  const std::string_view name = by.substr(prefix.size());
  return name.find('/') == std::string_view::npos ? std::string(name) : std::string();
}

template <class Codec, class By, class Options>
Result<Topology> merged(const SortedMergeOptions& wanted, Codec codec, By by, Options options) {
  using Record = typename Codec::value_type;
  TopologyBuilder topology{"sorted-merge"};
  std::vector<decltype(topology.source("", codec))> sources;
  for (const std::string& input : wanted.inputs) sources.push_back(topology.source(input, codec));
  ordered_merge(by, options, std::move(sources)) |
      to(wanted.output, MergeRecordBytes<decltype(Record::key)>{});
  return topology.build();
}

template <class K, class KeyCodec, class Project, class By>
Result<Topology> merged_by(const SortedMergeOptions& wanted, KeyCodec codec, Project project,
                           By by) {
  const OrderedMergeOptions options{
      .name = "merge", .descending = wanted.descending, .on_disorder = wanted.on_disorder};
  MergeRecordCodec<K, KeyCodec, Project> record(std::move(codec), std::move(project));
  if (wanted.readers) return merged(wanted, std::move(record), by, readers(options));
  return merged(wanted, std::move(record), by, options);
}

}  // namespace

Result<Topology> sorted_merge(const SortedMergeOptions& options) {
  const auto by_its_key = by(options.by, [](const auto& record) { return record.key; });
  const auto nothing = [](std::string_view) { return std::int8_t{0}; };
  if (options.by == "value")
    return merged_by<std::int64_t>(
        options, decimal_integer(), [](std::int64_t value) { return value; }, by_its_key);
  if (options.by == "key") return merged_by<std::int8_t>(options, bytes(), nothing, by_key());
  if (options.by == "event-time")
    return merged_by<std::int8_t>(options, bytes(), nothing, by_event_time());
  if (options.by.starts_with(kNumberPrefix))
    if (const std::string name = field_name(options.by, kNumberPrefix); !name.empty())
      return merged_by<std::int64_t>(
          options, json<Number>(field(name, &Number::value)),
          [](const Number& number) { return number.value; }, by_its_key);
  if (options.by.starts_with(kTextPrefix))
    if (const std::string name = field_name(options.by, kTextPrefix); !name.empty())
      return merged_by<std::string_view>(
          options, json<Text>(field(name, &Text::value)),
          [](const Text& text) { return text.value; }, by_its_key);
  return Status::invalid(
      fmt::format("--by '{}' is none of value, key, event-time, json:/FIELD, json-text:/FIELD (a "
                  "field of the root)",
                  options.by));
}

}  // namespace millrace
