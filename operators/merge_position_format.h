#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// What an ordered merge keeps with a partition's committed offset, which is that of the next
/// record to pass on: the key of the last one that it has.
struct MergePosition {
  enum class Place : std::uint8_t {
    kNone = 0,   ///< none has been passed on
    kHere = 1,   ///< `key`
    kStore = 2,  ///< too long: in the merge's store
  };
  static constexpr std::size_t kMaxKeyBytes = 256;

  Place place = Place::kNone;
  std::string_view key;    ///< of kHere; a view into what was decoded
  std::uint32_t done = 0;  ///< how many values of the next record have been passed on already

  bool operator==(const MergePosition&) const = default;
};

/// Appends it: version, place, key.
void append_merge_position(const MergePosition& position, std::string& out);
/// Nothing gives kNone. kFailed names an unknown version or damage.
Result<MergePosition> parse_merge_position(std::string_view bytes);

}  // namespace millrace
