#pragma once

#include <cstdint>
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

  /// How programs call this kind of window, as in window_key(): "60", "month".
  std::string name() const;
  /// How people call it: "1m", "month".
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

}  // namespace millrace
