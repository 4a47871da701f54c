#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace millrace {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// One key and its value, rendered as text. Borrowed for the duration of the call.
///
/// The same thing has the same key in every message: task, topic, partition, offset, thread, store,
/// client, group, error. A key is in snake_case, and none of time, level and text.
struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  template <std::integral I>
  requires(!std::same_as<I, bool>) LogField(std::string_view name, I integer)
      : key(name), value(std::to_string(integer)), is_number(true) {}

  std::string_view key;
  std::string value;
  bool is_number = false;
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
