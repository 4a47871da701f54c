#include "millrace/apps/program/window_result.h"

#include <fmt/format.h>

#include <chrono>

#include "millrace/apps/program/duration.h"

namespace millrace {

std::string WindowResult::name() const { return calendar ? *calendar : fmt::to_string(duration_s); }

std::string WindowResult::kind() const {
  return calendar ? *calendar : format_duration(std::chrono::seconds{duration_s});
}

std::string WindowResult::note() const {
  const std::string again = revision ? fmt::format("revision {}", *revision) : std::string{};
  if (final) return again;
  return again.empty() ? "open" : "open, " + again;
}

}  // namespace millrace
