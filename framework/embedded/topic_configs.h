#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "millrace/framework/status.h"

namespace millrace::embedded {

/// A topic's settings: all that the embedded broker knows, with Kafka's names and defaults.
struct TopicConfigs {
  bool compacted = false;    ///< cleanup.policy holds "compact"
  bool deletable = true;     ///< cleanup.policy holds "delete"
  bool append_time = false;  ///< message.timestamp.type=LogAppendTime
  std::int64_t max_message_bytes = 0;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t delete_retention_ms = 0;
  std::map<std::string, std::string> all;  ///< every setting as text, defaults included

  /// kInvalid names the unknown setting or the bad value.
  static Result<TopicConfigs> parse(const std::string& topic,
                                    const std::map<std::string, std::string>& overrides);
};

}  // namespace millrace::embedded
