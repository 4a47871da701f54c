#pragma once

#include <memory>
#include <string_view>

#include "millrace/apps/program/terminal.h"
#include "millrace/framework/log.h"

namespace millrace {

/// The log of a program, and what it tells people besides: all that it writes to standard error,
/// in one format. Thread-safe.
class ProgramLog : public LogSink {
 public:
  /// A line for people, whatever the level of the log: as it is; in JSON a line like the others.
  virtual void say(LogLevel level, std::string_view text) = 0;
};

/// Writes lines with time, level, text and fields to the terminal, which must outlive it, by
/// spdlog. `level` and `format` are words of --log-level (debug, info, warning, error, off) and
/// --log-format: "text" ends a line in key=value, "json" makes it one object that has the fields as
/// members.
std::unique_ptr<ProgramLog> make_log(Terminal& terminal, std::string_view level,
                                     std::string_view format);

}  // namespace millrace
