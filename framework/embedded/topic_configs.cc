#include "millrace/framework/embedded/topic_configs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <vector>

namespace millrace::embedded {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// A setting: a number within bounds, or one of some words.
struct Setting {
  std::string_view name;
  std::string_view standard;  ///< Kafka's default
  std::int64_t least = 0;
  std::int64_t most = kMax;
  std::vector<std::string_view> words = {};
};

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = {
      {"cleanup.policy", "delete", 0, 0, {"delete", "compact", "compact,delete", "delete,compact"}},
      {"compression.type",
       "producer",
       0,
       0,
       {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"}},
      {"delete.retention.ms", "86400000"},
      {"max.compaction.lag.ms", "9223372036854775807", 1},
      {"max.message.bytes", "1048588"},
      {"message.timestamp.type", "CreateTime", 0, 0, {"CreateTime", "LogAppendTime"}},
      {"min.compaction.lag.ms", "0"},
      {"min.insync.replicas", "1", 1},
      {"retention.bytes", "-1", -1},
      {"retention.ms", "604800000", -1},
      {"segment.bytes", "1073741824", 14},
      {"segment.index.bytes", "10485760", 4},
      {"segment.jitter.ms", "0"},
      {"segment.ms", "604800000", 1},
  };
  return all;
}

bool parse_number(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

Status check(const std::string& topic, const Setting& setting, const std::string& value) {
  if (!setting.words.empty()) {
    if (std::ranges::find(setting.words, value) != setting.words.end()) return {};
    return Status::invalid(fmt::format("topic '{}': {}={} is not one of {}", topic, setting.name,
                                       value, fmt::join(setting.words, " | ")));
  }
  std::int64_t number = 0;
  if (parse_number(value, number) && number >= setting.least && number <= setting.most) return {};
  return Status::invalid(fmt::format("topic '{}': {}={} is not an integer of at least {}", topic,
                                     setting.name, value, setting.least));
}

}  // namespace

Result<TopicConfigs> TopicConfigs::parse(const std::string& topic,
                                         const std::map<std::string, std::string>& overrides) {
  TopicConfigs configs;
  for (const Setting& setting : settings()) configs.all.emplace(setting.name, setting.standard);
  for (const auto& [name, value] : overrides) {
    const auto setting = std::ranges::find(settings(), name, &Setting::name);
    if (setting == settings().end())
      return Status::invalid(
          fmt::format("topic '{}': the embedded broker does not know the setting '{}' (value '{}')",
                      topic, name, value));
    MILLRACE_RETURN_IF_ERROR(check(topic, *setting, value));
    configs.all[name] = value;
  }
  const auto number = [&](const std::string& name) {
    std::int64_t value = 0;
    parse_number(configs.all.at(name), value);
    return value;
  };
  const std::string& policy = configs.all.at("cleanup.policy");
  configs.compacted = policy != "delete";
  configs.deletable = policy != "compact";
  configs.append_time = configs.all.at("message.timestamp.type") == "LogAppendTime";
  configs.max_message_bytes = number("max.message.bytes");
  configs.min_compaction_lag_ms = number("min.compaction.lag.ms");
  configs.delete_retention_ms = number("delete.retention.ms");
  return configs;
}

}  // namespace millrace::embedded
