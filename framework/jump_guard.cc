#include "millrace/framework/jump_guard.h"

#include <algorithm>

#include "millrace/framework/record_info.h"

namespace millrace {

bool JumpGuard::plausible(std::int64_t event_ms, std::int64_t highest_ms,
                          std::int64_t timestamp_ms) const {
  if (!guard_ms_) return true;
  if (highest_ms != kNoTime && event_ms - highest_ms <= *guard_ms_) return true;
  if (timestamp_ms < 0) return false;
  const std::int64_t apart =
      event_ms > timestamp_ms ? event_ms - timestamp_ms : timestamp_ms - event_ms;
  return apart <= *guard_ms_;
}

JumpGuard::Verdict JumpGuard::judge(std::int64_t event_ms, std::span<const std::int64_t> successors,
                                    bool at_end) const {
  if (!guard_ms_) return Verdict::kAccept;
  const auto fell = static_cast<std::size_t>(std::ranges::count_if(
      successors, [&](std::int64_t successor) { return successor < event_ms - *guard_ms_; }));
  if (fell >= kEnough) return Verdict::kRefuse;
  if (successors.size() >= kSuccessors) return Verdict::kAccept;
  if (!at_end) return Verdict::kWait;
  return successors.size() >= kEnough && fell == 0 ? Verdict::kAccept : Verdict::kRefuse;
}

}  // namespace millrace
