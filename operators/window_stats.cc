#include "millrace/operators/window_stats.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "millrace/framework/base64.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {

std::string window_key(const WindowDefinition& definition, const Window& window) {
  return fmt::format("{}/{}", window.start_ms / 1000, definition.name());
}

void WindowStatsJson::encode(const WindowStats& stats, std::string& out) const {
  using namespace std::chrono;
  const std::int64_t duration_s = (stats.window.end_ms - stats.window.start_ms) / 1000;
  const sys_seconds start{seconds(stats.window.start_ms / 1000)};
  const year_month_day date{floor<days>(start)};
  const hh_mm_ss time{start - floor<days>(start)};
  JsonWriter json{out};
  json.begin_object()
      .key("ts")
      .integer(stats.window.start_ms / 1000)
      .key("ts_str")
      .string(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                          time.hours().count(), time.minutes().count(), time.seconds().count()))
      .key("duration_s")
      .integer(duration_s);
  if (stats.definition.is_calendar()) json.key("window").string(stats.definition.name());
  json.key("unique_users")
      .integer(stats.users)
      .key("frames")
      .integer(stats.frames)
      .key("frames_per_s")
      .number(static_cast<double>(stats.frames) / static_cast<double>(duration_s), 2)
      .key("final")
      .boolean(stats.final);
  if (stats.revision > 0) json.key("revision").integer(stats.revision);
  if (!stats.sketch.empty()) json.key("sketch").string(to_base64(stats.sketch));
  json.end_object();
}

}  // namespace millrace
