#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// What is known of one window's exact set without reading it: kept with the window, and beside an
/// index of the set, where it says how much of the set the index has.
///
/// The set is stored in parts, many packed fingerprints each. 64 parts of one level become one or
/// more of the next. A number is given to one part of a level only, ever.
struct DistinctSetHead {
  static constexpr std::size_t kLevels = 4;  ///< parts of the last one are not merged any more
  struct Level {
    std::uint32_t first = 0;  ///< parts [first, next) are there
    std::uint32_t next = 0;
    bool operator==(const Level&) const = default;
  };

  std::uint64_t users = 0;
  std::array<Level, kLevels> levels;

  bool operator==(const DistinctSetHead&) const = default;
};

void append_distinct_set_head(const DistinctSetHead& head, std::string& out);
/// kFailed names an unknown version or damage.
Result<DistinctSetHead> decode_distinct_set_head(std::string_view bytes);

}  // namespace millrace
