#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "millrace/framework/clock.h"

namespace millrace {

/// What a stream thread does with its time.
enum class Activity : std::uint8_t {
  kGroup,         ///< serves the group, gives tasks up, looks after what it has
  kTakingOver,    ///< reads committed offsets and changelogs
  kProcessing,    ///< reads and processes records
  kPreparing,     ///< a commit: sends what is due, and what has changed in stores
  kCommitting,    ///< waits for the broker, mostly
  kWritingState,  ///< what was committed, to the stores
  kWaiting,       ///< for input
};
inline constexpr std::size_t kActivities = static_cast<std::size_t>(Activity::kWaiting) + 1;

/// "committing"
std::string_view to_string(Activity activity);

/// Divides a thread's time among its activities. A millisecond goes to the activity in which the
/// clock ticks: right in the long run also for those that are much shorter. One thread, but for
/// current().
class ActivityClock {
 public:
  using Spent = std::array<std::int64_t, kActivities>;  ///< ms by Activity

  /// `clock` must outlive this object.
  explicit ActivityClock(const Clock& clock) : clock_(clock), since_ms_(clock.monotonic_ms()) {}

  void enter(Activity activity) {
    const std::int64_t now_ms = clock_.monotonic_ms();
    spent_[static_cast<std::size_t>(current())] += now_ms - since_ms_;
    since_ms_ = now_ms;
    current_.store(activity, std::memory_order_relaxed);
  }
  /// Up to the last enter(); only grows.
  const Spent& spent() const { return spent_; }
  /// From any thread.
  Activity current() const { return current_.load(std::memory_order_relaxed); }

 private:
  const Clock& clock_;
  std::int64_t since_ms_;
  std::atomic<Activity> current_{Activity::kGroup};
  Spent spent_{};
};

}  // namespace millrace
