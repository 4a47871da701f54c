#pragma once

#include <string>
#include <vector>

#include "millrace/framework/log.h"

namespace millrace {

/// Keeps what is logged from a level on, as lines: "text key=value key=value".
class LineLog final : public LogSink {
 public:
  explicit LineLog(LogLevel least = LogLevel::kDebug) : least_(least) {}

  void write(LogLevel level, std::string_view text,
             std::initializer_list<LogField> fields) override {
    if (level < least_) return;
    std::string& line = lines.emplace_back(text);
    for (const LogField& field : fields)
      line.append(" ").append(field.key).append("=").append(field.value);
  }

  std::vector<std::string> lines;

 private:
  const LogLevel least_;
};

}  // namespace millrace
