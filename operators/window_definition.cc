#include "millrace/operators/window_definition.h"

#include <fmt/format.h>

#include <charconv>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

constexpr std::int64_t kSecondsPerDay = 86'400;

std::int64_t to_ms(sys_days day) { return sys_time<milliseconds>{day}.time_since_epoch().count(); }

std::int64_t seconds_per(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return kSecondsPerDay;
    default:
      return 0;
  }
}

}  // namespace

Result<WindowDefinition> WindowDefinition::parse(std::string_view text) {
  if (text == "day") return calendar_day();
  if (text == "week") return calendar_week();
  if (text == "month") return calendar_month();
  if (text == "year") return calendar_year();

  const auto refuse = [&](std::string_view why) {
    return Status::invalid(
        fmt::format("window '{}' {}: give a number with s, m, h or d (as in 90s, 10m, 1h), or day, "
                    "week, month, year",
                    text, why));
  };
  if (text.empty()) return refuse("is empty");
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (end == text.data()) return refuse("is not known");
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  if (unit.empty()) return refuse("has no unit");
  const std::int64_t unit_seconds = unit.size() == 1 ? seconds_per(unit.front()) : 0;
  if (unit_seconds == 0) return refuse(fmt::format("has the unknown unit '{}'", unit));
  if (error == std::errc::result_out_of_range || count > kMaxTumbling.count() / unit_seconds)
    return refuse(text.front() == '-' ? "is not positive" : "is longer than 100 years");
  if (count <= 0) return refuse("is not positive");
  return tumbling(std::chrono::seconds{count * unit_seconds});
}

Window WindowDefinition::window_of(std::int64_t timestamp_ms) const {
  if (kind_ == WindowKind::kTumbling) {
    const std::int64_t length = seconds_ * 1'000;
    std::int64_t into = timestamp_ms % length;
    if (into < 0) into += length;
    return {timestamp_ms - into, timestamp_ms - into + length};
  }
  const sys_days day = std::chrono::floor<days>(sys_time<milliseconds>{milliseconds{timestamp_ms}});
  switch (kind_) {
    case WindowKind::kDay:
      return {to_ms(day), to_ms(day + days{1})};
    case WindowKind::kWeek: {
      const sys_days monday = day - (std::chrono::weekday{day} - std::chrono::Monday);
      return {to_ms(monday), to_ms(monday + days{7})};
    }
    case WindowKind::kMonth: {
      const std::chrono::year_month_day date{day};
      const auto month = date.year() / date.month();
      return {to_ms(sys_days{month / 1}), to_ms(sys_days{(month + std::chrono::months{1}) / 1})};
    }
    case WindowKind::kYear: {
      const auto year = std::chrono::year_month_day{day}.year();
      return {to_ms(sys_days{year / 1 / 1}),
              to_ms(sys_days{(year + std::chrono::years{1}) / 1 / 1})};
    }
    case WindowKind::kTumbling:
      break;
  }
  MILLRACE_CHECK(false, "a window kind that exists");
}

std::int64_t WindowDefinition::nominal_ms() const {
  switch (kind_) {
    case WindowKind::kTumbling:
      return seconds_ * 1'000;
    case WindowKind::kDay:
      return milliseconds{days{1}}.count();
    case WindowKind::kWeek:
      return milliseconds{std::chrono::weeks{1}}.count();
    case WindowKind::kMonth:
      return milliseconds{std::chrono::months{1}}.count();
    case WindowKind::kYear:
      return milliseconds{std::chrono::years{1}}.count();
  }
  MILLRACE_CHECK(false, "a window kind that exists");
}

std::string WindowDefinition::name() const {
  switch (kind_) {
    case WindowKind::kTumbling:
      return fmt::format_int(seconds_).str();
    case WindowKind::kDay:
      return "day";
    case WindowKind::kWeek:
      return "week";
    case WindowKind::kMonth:
      return "month";
    case WindowKind::kYear:
      return "year";
  }
  MILLRACE_CHECK(false, "a window kind that exists");
}

bool WindowDefinition::divides(const WindowDefinition& larger) const {
  switch (kind_) {
    case WindowKind::kTumbling:
      if (larger.kind_ == WindowKind::kTumbling)
        return seconds_ < larger.seconds_ && larger.seconds_ % seconds_ == 0;
      return kSecondsPerDay % seconds_ == 0;
    case WindowKind::kDay:
      if (larger.kind_ == WindowKind::kTumbling)
        return larger.seconds_ > kSecondsPerDay && larger.seconds_ % kSecondsPerDay == 0;
      return larger.kind_ != WindowKind::kDay;
    case WindowKind::kMonth:
      return larger.kind_ == WindowKind::kYear;
    case WindowKind::kWeek:
    case WindowKind::kYear:
      return false;
  }
  MILLRACE_CHECK(false, "a window kind that exists");
}

WindowDefinition tumbling(std::chrono::seconds length) {
  MILLRACE_CHECK(length.count() > 0 && length <= WindowDefinition::kMaxTumbling,
                 "a window of a second to a century");
  return {WindowKind::kTumbling, length.count()};
}
WindowDefinition calendar_day() { return {WindowKind::kDay, 0}; }
WindowDefinition calendar_week() { return {WindowKind::kWeek, 0}; }
WindowDefinition calendar_month() { return {WindowKind::kMonth, 0}; }
WindowDefinition calendar_year() { return {WindowKind::kYear, 0}; }

}  // namespace millrace
