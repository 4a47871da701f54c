#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// A line this long is an error: the text is not what the user thinks it is.
inline constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;
/// Room for such a line with either line end.
inline constexpr std::size_t kMaxBlockBytes = kMaxLineBytes + 2;

/// The first line of `text` with its line end; all of it if there is none (the last line of a file).
std::string_view first_line_of(std::string_view text);
/// The line without LF or CR LF.
std::string_view without_line_end(std::string_view line);
/// Length of the whole lines at the beginning of `text`; 0 if there is no line end.
std::size_t whole_lines(std::string_view text);

/// What is wrong with the line of this number, counted from 0 as offsets are.
Status line_too_long(const std::string& path, std::int64_t line);
Status line_beyond_end(const std::string& path, std::int64_t line, std::int64_t lines);

}  // namespace millrace
