#pragma once

#include <cstdint>

namespace millrace {

/// The only source of time. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, Unix ms. May jump.
  virtual std::int64_t wall_ms() const = 0;
  /// Monotonic ms since an arbitrary start: for intervals and time-outs.
  virtual std::int64_t monotonic_ms() const = 0;
  /// The same in ns, where there is a clock that fine: for how long work takes, for nothing else.
  virtual std::int64_t monotonic_ns() const { return monotonic_ms() * 1'000'000; }
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  std::int64_t wall_ms() const override;
  std::int64_t monotonic_ms() const override;
  std::int64_t monotonic_ns() const override;
};

}  // namespace millrace
