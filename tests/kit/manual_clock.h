#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "millrace/framework/clock.h"

namespace millrace {

/// Time that moves only when a test says so. Thread-safe.
class ManualClock final : public Clock {
 public:
  /// 2020-01-01T00:00:00Z.
  static constexpr std::int64_t kStartMs = 1'577'836'800'000;

  explicit ManualClock(std::int64_t wall_ms = kStartMs) : wall_ms_(wall_ms) {}

  std::int64_t wall_ms() const override { return wall_ms_; }
  std::int64_t monotonic_ms() const override { return monotonic_ms_; }

  /// Time passes: both clocks go on. REQUIRES: not negative.
  void advance(std::chrono::milliseconds time) {
    wall_ms_ += time.count();
    monotonic_ms_ += time.count();
  }
  /// Somebody sets the wall clock; the monotonic one does not notice.
  void set_wall(std::int64_t wall_ms) { wall_ms_ = wall_ms; }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> monotonic_ms_ = 1'000'000;
};

}  // namespace millrace
