#pragma once

#include <cstdint>
#include <string>

#include "millrace/operators/window_definition.h"

namespace millrace {

/// The result of distinct_count for one window.
struct WindowStats {
  WindowDefinition definition = tumbling(std::chrono::seconds(60));
  Window window;
  std::uint64_t users = 0;     ///< distinct; an estimate for sketches
  std::uint64_t frames = 0;    ///< values counted
  bool final = true;           ///< false: an update of a window that is still open
  std::uint32_t revision = 0;  ///< how often the window had been emitted as final before
  std::string sketch;          ///< encoded UltraLogLog, if it was asked for; else empty
};

/// "<start in seconds>/<length in seconds or calendar name>": the key of a window's results.
std::string window_key(const WindowDefinition& definition, const Window& window);

/// Writes WindowStats as one JSON object:
/// {"ts":1468244340,"ts_str":"2016-07-11T13:39:00Z","duration_s":60,"unique_users":955,
/// "frames":1143,"frames_per_s":19.05,"final":true}, with "window" for calendar windows, "revision"
/// from 1 on, and "sketch" in base64.
class WindowStatsJson {
 public:
  using value_type = WindowStats;
  void encode(const WindowStats& stats, std::string& out) const;
  std::string describe() const { return "json window stats"; }
};
inline WindowStatsJson window_stats_json() { return {}; }

}  // namespace millrace
