#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace millrace {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// One key and its value, rendered as text. Borrowed for the duration of the call.
struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, std::int64_t number) : key(name), value(std::to_string(number)) {}
  LogField(std::string_view name, int number) : key(name), value(std::to_string(number)) {}
  LogField(std::string_view name, std::uint64_t number)
      : key(name), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

/// Where the library's messages go. The library itself prints nothing. Called from any thread: must
/// be thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view text,
                     std::initializer_list<LogField> fields) = 0;
};

/// Drops everything: the default.
LogSink& null_log();

}  // namespace millrace
