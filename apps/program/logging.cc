#include "millrace/apps/program/logging.h"

// The only file that includes spdlog: it is slow to compile.
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>

namespace millrace {
namespace {

// Hands formatted lines to the terminal, which keeps them apart from the progress bar.
class TerminalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit TerminalSink(Terminal& terminal) : terminal_{terminal} {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    terminal_.line({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  Terminal& terminal_;
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// A value that is not one plain word is quoted, so that a line can be taken apart again.
void append_field(const LogField& field, std::string& line) {
  line += ' ';
  line += field.key;
  line += '=';
  if (!field.value.empty() && field.value.find_first_of(" \t\n\"=") == std::string::npos) {
    line += field.value;
    return;
  }
  line += '"';
  for (const char c : field.value) {
    if (c == '"' || c == '\\') line += '\\';
    if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
  line += '"';
}

class SpdlogLog final : public LogSink {
 public:
  SpdlogLog(Terminal& terminal, spdlog::level::level_enum level)
      : logger_{"millrace", std::make_shared<TerminalSink>(terminal)} {
    logger_.set_level(level);
    // No line end: the terminal adds it.
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%e%z %l %v", spdlog::pattern_time_type::local, ""));
  }

  void write(LogLevel level, std::string_view text,
             std::initializer_list<LogField> fields) override {
    if (!logger_.should_log(to_spdlog(level))) return;
    std::string line{text};
    for (const LogField& field : fields) append_field(field, line);
    logger_.log(to_spdlog(level), spdlog::string_view_t{line});
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<LogSink> make_log(Terminal& terminal, std::string_view level) {
  return std::make_unique<SpdlogLog>(terminal, spdlog::level::from_str(std::string{level}));
}

}  // namespace millrace
