#include "millrace/operators/event_time.h"

#include <fmt/format.h>

namespace millrace::event_time_detail {

std::string tuning(std::int64_t lateness_ms, std::optional<std::int64_t> guard_ms) {
  return fmt::format("lateness {}ms, jump guard {}", lateness_ms,
                     guard_ms ? fmt::format("{}ms", *guard_ms) : "off");
}

}  // namespace millrace::event_time_detail
