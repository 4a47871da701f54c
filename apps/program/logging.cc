#include "millrace/apps/program/logging.h"

// The only file that includes spdlog: it is slow to compile.
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>

#include "millrace/operators/codec/json_writer.h"

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

std::string text_line(std::string_view text, std::initializer_list<LogField> fields) {
  std::string line{text};
  for (const LogField& field : fields) append_field(field, line);
  return line;
}

// An object but for its opening brace: the pattern has that, with time and level.
std::string json_members(std::string_view text, std::initializer_list<LogField> fields) {
  std::string line;
  JsonWriter json(line);
  json.begin_object().key("text").string(text);
  for (const LogField& field : fields) {
    json.key(field.key);
    if (field.is_number) {
      line += field.value;
    } else {
      json.string(field.value);
    }
  }
  json.end_object();
  return line.substr(1);
}

// No line end in the patterns: the terminal adds it.
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v)";

class SpdlogLog final : public ProgramLog {
 public:
  SpdlogLog(Terminal& terminal, spdlog::level::level_enum level, bool json)
      : json_{json},
        terminal_{terminal},
        logger_{"millrace", std::make_shared<TerminalSink>(terminal)} {
    logger_.set_level(level);
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::local, ""));
  }

  void write(LogLevel level, std::string_view text,
             std::initializer_list<LogField> fields) override {
    if (!logger_.should_log(to_spdlog(level))) return;
    const std::string line = json_ ? json_members(text, fields) : text_line(text, fields);
    logger_.log(to_spdlog(level), spdlog::string_view_t{line});
  }

  void say(LogLevel level, std::string_view text) override {
    if (!json_) return terminal_.line(text);
    const std::string line = json_members(text, {});
    // Past the level of the logger, not of its sinks, which take everything.
    const spdlog::details::log_msg message{logger_.name(), to_spdlog(level), line};
    for (const spdlog::sink_ptr& sink : logger_.sinks()) sink->log(message);
  }

 private:
  const bool json_;
  Terminal& terminal_;
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<ProgramLog> make_log(Terminal& terminal, std::string_view level,
                                     std::string_view format) {
  return std::make_unique<SpdlogLog>(terminal, spdlog::level::from_str(std::string{level}),
                                     format == "json");
}

}  // namespace millrace
