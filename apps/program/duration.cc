#include "millrace/apps/program/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace millrace {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

// Large to small, which is also the order in which a joined duration names them.
constexpr std::array kTimeUnits{Unit{"w", 604'800'000}, Unit{"d", 86'400'000}, Unit{"h", 3'600'000},
                                Unit{"m", 60'000},      Unit{"s", 1'000},      Unit{"ms", 1}};
constexpr std::array kByteUnits{Unit{"T", std::int64_t{1} << 40}, Unit{"G", 1 << 30},
                                Unit{"M", 1 << 20}, Unit{"k", 1 << 10}};

bool add_scaled(std::int64_t count, std::int64_t size, std::int64_t& total) {
  std::int64_t scaled = 0;
  return !__builtin_mul_overflow(count, size, &scaled) &&
         !__builtin_add_overflow(total, scaled, &total);
}

// Takes the digits at the front of `text`; false if there are none or too many.
bool take_number(std::string_view& text, std::int64_t& number) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{};
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const Status wrong = Status::invalid(fmt::format(
      "'{}' is not a duration: write a number and a unit, as 100ms, 5s, 10m, 1h, 2d", text));
  if (text == "0") return std::chrono::milliseconds{0};
  if (text.empty()) return wrong;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    if (!take_number(text, count)) return wrong;
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    while (next_unit < kTimeUnits.size() && kTimeUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kTimeUnits.size()) return wrong;
    if (!add_scaled(count, kTimeUnits[next_unit].size, total)) return wrong;
    text.remove_prefix(name.size());
    ++next_unit;
  }
  return std::chrono::milliseconds{total};
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string text;
  for (const Unit& unit : kTimeUnits) {
    if (left >= unit.size) text += fmt::format("{}{}", left / unit.size, unit.name);
    left %= unit.size;
  }
  return text;
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  const Status wrong = Status::invalid(fmt::format(
      "'{}' is not a size: write bytes, or a number and a unit, as 64k, 512M, 2G", text));
  std::string_view rest = text;
  std::int64_t count = 0;
  if (!take_number(rest, count)) return wrong;
  std::int64_t size = 1;
  if (!rest.empty()) {
    const char letter = rest.front() == 'K' ? 'k' : rest.front();
    const std::string_view suffix = rest.substr(1);
    if (!suffix.empty() && suffix != "B" && suffix != "iB") return wrong;
    size = 0;
    for (const Unit& unit : kByteUnits) {
      if (unit.name.front() == letter) size = unit.size;
    }
    if (size == 0) return wrong;
  }
  std::int64_t total = 0;
  if (!add_scaled(count, size, total)) return wrong;
  return total;
}

std::string format_bytes(std::int64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes != 0 && bytes % unit.size == 0)
      return fmt::format("{}{}", bytes / unit.size, unit.name);
  }
  return fmt::format("{}", bytes);
}

}  // namespace millrace
