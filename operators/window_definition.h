#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// A span of event time in Unix milliseconds: `start_ms` belongs to it, `end_ms` does not.
struct Window {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;

  auto operator<=>(const Window&) const = default;
};

enum class WindowKind : std::uint8_t { kTumbling, kDay, kWeek, kMonth, kYear };

/// Cuts time into windows: of equal length, aligned to the Unix epoch, or by the UTC calendar. A
/// small value; copy freely.
class WindowDefinition {
 public:
  /// Longest tumbling window: a century. Keeps all arithmetic far from overflow.
  static constexpr std::chrono::seconds kMaxTumbling{std::int64_t{36'525} * 86'400};

  /// Reads "90s", "10m", "1h", "2d" (tumbling) or "day", "week", "month", "year" (calendar, UTC).
  /// Fails with kInvalid and a text that quotes `text`.
  static Result<WindowDefinition> parse(std::string_view text);

  WindowKind kind() const { return kind_; }
  bool is_calendar() const { return kind_ != WindowKind::kTumbling; }

  /// Returns the window that holds `timestamp_ms`; before 1970 too.
  /// REQUIRES: a year that std::chrono::year can hold, -32767 to 32767.
  Window window_of(std::int64_t timestamp_ms) const;

  /// Length; of months and years, which differ, the mean of the Gregorian calendar.
  std::int64_t nominal_ms() const;

  /// Stands in a result's key: the seconds of a tumbling window ("60"), else "day", "week",
  /// "month", "year".
  std::string name() const;

  /// True if each of these windows lies inside one window of `larger`, so that `larger` can be
  /// rolled up from them.
  ///
  /// A strict partial order: of tumbling(86400s) and calendar_day(), which cut alike, only the
  /// first divides the other. Weeks start on Monday and divide nothing; the epoch was a Thursday,
  /// so tumbling(604800s) does not divide them either.
  bool divides(const WindowDefinition& larger) const;

  bool operator==(const WindowDefinition&) const = default;

 private:
  friend WindowDefinition tumbling(std::chrono::seconds length);
  friend WindowDefinition calendar_day();
  friend WindowDefinition calendar_week();
  friend WindowDefinition calendar_month();
  friend WindowDefinition calendar_year();
  WindowDefinition(WindowKind kind, std::int64_t seconds) : kind_(kind), seconds_(seconds) {}

  WindowKind kind_;
  std::int64_t seconds_;  ///< of a tumbling window, else 0
};

/// Windows of `length`, aligned to the Unix epoch. REQUIRES: one second to
/// WindowDefinition::kMaxTumbling.
WindowDefinition tumbling(std::chrono::seconds length);
/// Days in UTC.
WindowDefinition calendar_day();
/// ISO weeks in UTC: Monday to Sunday.
WindowDefinition calendar_week();
/// Months in UTC.
WindowDefinition calendar_month();
/// Years in UTC.
WindowDefinition calendar_year();

}  // namespace millrace
