#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace millrace {

/// Tells a flipped bit from a real gap (design §5.6): the rule alone, without state.
///
/// A record is a jump when its event time is more than the guard above the partition's highest
/// accepted one, or when it is the partition's first. It is believed at once when it agrees, within
/// the guard, with its own Kafka timestamp; otherwise its successors decide.
class JumpGuard {
 public:
  /// No guard: everything is believed.
  JumpGuard() = default;
  explicit JumpGuard(std::int64_t guard_ms) : guard_ms_(guard_ms) {}

  /// No need to wait for successors. `highest_ms` is kNoTime before the first record,
  /// `timestamp_ms` < 0 if there is none.
  bool plausible(std::int64_t event_ms, std::int64_t highest_ms, std::int64_t timestamp_ms) const;

  enum class Verdict { kAccept, kRefuse, kWait };
  /// Judges a jump by the event times of its parseable successors, at most kSuccessors of them;
  /// `at_end`: no more will come.
  Verdict judge(std::int64_t event_ms, std::span<const std::int64_t> successors, bool at_end) const;

  static constexpr std::size_t kSuccessors = 7;
  static constexpr std::size_t kEnough =
      2;  ///< so many that fell back refuse; so many at the end accept

 private:
  std::optional<std::int64_t> guard_ms_;
};

}  // namespace millrace
