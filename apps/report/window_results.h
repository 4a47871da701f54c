#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "millrace/operators/codec/json.h"

namespace millrace {

/// A result of unique_users, as it stands in its topic (written by WindowStatsJson).
struct WindowResult {
  std::int64_t start_s = 0;
  std::string start;  ///< in ISO 8601
  std::int64_t duration_s = 0;
  std::optional<std::string> calendar;  ///< "day", "week", "month", "year"; none: equal lengths
  std::uint64_t users = 0;
  std::uint64_t frames = 0;
  double frames_per_s = 0;
  bool final = true;
  std::optional<std::uint32_t> revision;

  /// How people call this kind of window: "1m", "month".
  std::string kind() const;
  /// What is not usual about it: "open", "revision 1"; else empty.
  std::string note() const;
};

/// Reads WindowResult. Results may hold more, such as a sketch.
inline auto window_result_json() {
  return json<WindowResult>(
      field("ts", &WindowResult::start_s), field("ts_str", &WindowResult::start),
      field("duration_s", &WindowResult::duration_s), field("window", &WindowResult::calendar),
      field("unique_users", &WindowResult::users), field("frames", &WindowResult::frames),
      field("frames_per_s", &WindowResult::frames_per_s), field("final", &WindowResult::final),
      field("revision", &WindowResult::revision));
}

/// The newest result of each window, by kind of window. Not thread-safe.
class WindowResults {
 public:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  /// Takes a result; it replaces what was known of the same window. REQUIRES: those of one window
  /// come in the order of their topic.
  void add(WindowResult result);
  bool empty() const { return kinds_.empty(); }

  /// For each kind of window, short ones first, a table of the last `rows` windows by time, and a
  /// line with averages and peak of all that are final.
  std::string text(std::size_t rows = kAll) const;

 private:
  using Series = std::map<std::int64_t, WindowResult>;  // by start
  static std::string series_text(const std::string& kind, const Series& series, std::size_t rows);

  std::map<std::string, Series> kinds_;
};

}  // namespace millrace
