#pragma once

#include <memory>
#include <string_view>

#include "millrace/apps/program/terminal.h"
#include "millrace/framework/log.h"

namespace millrace {

/// A log for programs: lines on standard error with time, level and key=value fields, by spdlog.
/// Thread-safe. `level` is a word of --log-level: debug, info, warning, error or off. The terminal
/// must outlive the log.
std::unique_ptr<LogSink> make_log(Terminal& terminal, std::string_view level);

}  // namespace millrace
