#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// Bytes of the longest line end: a block must have room for the longest line and it.
inline constexpr std::size_t kLineEndBytes = 2;

/// The first line of `text` with its line end; all of it if there is none (the last line of a
/// file).
std::string_view first_line_of(std::string_view text);
/// The line without LF or CR LF.
std::string_view without_line_end(std::string_view line);
/// Length of the whole lines at the beginning of `text`; 0 if there is no line end.
std::size_t whole_lines(std::string_view text);

/// What is wrong with the line of this number, counted from 0 as offsets are.
Status line_too_long(const std::string& path, std::int64_t line, std::size_t max_bytes);
Status line_beyond_end(const std::string& path, std::int64_t line, std::int64_t lines);

}  // namespace millrace
