#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// Reads "100ms", "5s", "10m", "1h", "2d" or "1w", also joined from large to small ("1h30m"); "0"
/// needs no unit. kInvalid says what is allowed; the text does not name the option.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest text that parse_duration() reads back as the same value: "90s" is "1m30s", zero is
/// "0s".
std::string format_duration(std::chrono::milliseconds duration);

/// Reads a number of bytes: "4096", "64k", "512M", "2G" (powers of 1024; "MiB" and "MB" are
/// understood as "M").
Result<std::int64_t> parse_bytes(std::string_view text);

/// The text of the largest unit that divides it: 536870912 is "512M".
std::string format_bytes(std::int64_t bytes);

}  // namespace millrace
