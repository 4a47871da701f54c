#include "millrace/apps/program/properties.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

namespace millrace {
namespace {

constexpr std::string_view kBlank = " \t\f";

// A logical line: continuation lines joined, without the blanks they begin with.
struct LogicalLine {
  std::string text;
  int number = 0;
};

bool continues(std::string_view line) {
  std::size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  bool open = false;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t begin = line.find_first_not_of(kBlank);
    line.remove_prefix(begin == std::string_view::npos ? line.size() : begin);
    if (!open && (line.empty() || line.front() == '#' || line.front() == '!')) continue;
    if (!open) lines.push_back({{}, number});
    open = continues(line);
    lines.back().text += open ? line.substr(0, line.size() - 1) : line;
  }
  return lines;
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// Takes the four hex digits of \uXXXX at the front.
bool take_code_unit(std::string_view& text, std::uint32_t& unit) {
  if (text.size() < 4) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 4, unit, 16);
  if (error != std::errc{} || end != text.data() + 4) return false;
  text.remove_prefix(4);
  return true;
}

bool take_unicode(std::string_view& text, std::string& out) {
  std::uint32_t unit = 0;
  if (!take_code_unit(text, unit)) return false;
  if (unit >= 0xD800 && unit < 0xDC00) {  // Java writes characters beyond the basic plane as pairs
    std::uint32_t low = 0;
    if (!text.starts_with("\\u")) return false;
    text.remove_prefix(2);
    if (!take_code_unit(text, low) || low < 0xDC00 || low > 0xDFFF) return false;
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
    return false;
  }
  append_utf8(unit, out);
  return true;
}

// Resolves escapes up to the first unescaped character of `stop`; takes what it read off `text`.
bool take_unescaped(std::string_view& text, std::string_view stop, std::string& out) {
  while (!text.empty() && stop.find(text.front()) == std::string_view::npos) {
    const char character = text.front();
    text.remove_prefix(1);
    if (character != '\\') {
      out += character;
      continue;
    }
    if (text.empty()) break;
    const char escaped = text.front();
    text.remove_prefix(1);
    switch (escaped) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u':
        if (!take_unicode(text, out)) return false;
        break;
      default:
        out += escaped;
    }
  }
  return true;
}

void skip_blank(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  text.remove_prefix(begin == std::string_view::npos ? text.size() : begin);
}

}  // namespace

Result<std::vector<Property>> parse_properties(std::string_view text, std::string_view name) {
  std::vector<Property> properties;
  for (const LogicalLine& line : logical_lines(text)) {
    Property property;
    property.line = line.number;
    std::string_view rest = line.text;
    bool valid = take_unescaped(rest, "=: \t\f", property.key);
    skip_blank(rest);
    if (rest.starts_with('=') || rest.starts_with(':')) rest.remove_prefix(1);
    skip_blank(rest);
    valid = valid && take_unescaped(rest, "", property.value);
    if (!valid) {
      return Status::invalid(
          fmt::format("{}:{}: malformed \\uXXXX escape: write four hex digits", name, line.number));
    }
    properties.push_back(std::move(property));
  }
  return properties;
}

Result<std::vector<Property>> read_properties_file(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    return Status::invalid(
        fmt::format("cannot read the configuration file '{}': {}", path, std::strerror(errno)));
  }
  return parse_properties(text.str(), path);
}

}  // namespace millrace
