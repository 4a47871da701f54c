#include "millrace/framework/file/line_text.h"

#include <fmt/format.h>

#include <cstring>

namespace millrace {
namespace {

std::size_t length_through(std::string_view text, const void* line_feed) {
  return static_cast<std::size_t>(static_cast<const char*>(line_feed) - text.data()) + 1;
}

}  // namespace

std::string_view first_line_of(std::string_view text) {
  const void* const end = std::memchr(text.data(), '\n', text.size());
  return end == nullptr ? text : text.substr(0, length_through(text, end));
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) {
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  return line;
}

std::size_t whole_lines(std::string_view text) {
  const void* const last = ::memrchr(text.data(), '\n', text.size());
  return last == nullptr ? 0 : length_through(text, last);
}

Status line_too_long(const std::string& path, std::int64_t line, std::size_t max_bytes) {
  return Status::failed(
      fmt::format("line {} of '{}' (offset {}) is longer than {} bytes: is it a text file?",
                  line + 1, path, line, max_bytes));
}

Status line_beyond_end(const std::string& path, std::int64_t line, std::int64_t lines) {
  return Status::failed(
      fmt::format("offset {} of '{}' is out of range: it has {} lines", line, path, lines));
}

}  // namespace millrace
