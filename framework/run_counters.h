#pragma once

#include <cstdint>
#include <vector>

namespace millrace {

/// What a task has counted in its life, committed with its offsets. Plain numbers, all monotonic
/// over committed history.
struct RunCounters {
  std::uint64_t accepted = 0;       ///< records counted in at least one window
  std::uint64_t late = 0;           ///< records too late for every window
  std::uint64_t dead_lettered = 0;  ///< records refused, under every policy
  std::uint64_t early_closes =
      0;  ///< windows emitted that an idle or ended source did not hold back
  std::uint64_t dropped_after_close = 0;  ///< records for windows whose state had expired
  /// Offsets that were deleted before they were read, and passed over: records, and markers of
  /// transactions, which nobody can tell from them any more.
  std::uint64_t lost = 0;
  std::uint64_t merged = 0;                   ///< records that an ordered merge has passed on
  std::uint64_t out_of_order = 0;             ///< of those, below one that was passed on before
  std::vector<std::uint64_t> late_by_window;  ///< by window definition: records too late for it

  bool operator==(const RunCounters&) const = default;
  void add(const RunCounters& other);
};

}  // namespace millrace
