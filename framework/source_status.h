#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/framework/record_info.h"

namespace millrace {

enum class SourceStatus : std::uint8_t { kActive = 0, kIdle = 1, kEnded = 2 };

std::string_view to_string(SourceStatus status);

/// What a source tells its readers about time, in band. A source is a task of the sub-topology
/// upstream.
struct SourceWord {
  std::int32_t source = 0;   ///< its number
  std::int32_t sources = 0;  ///< how many there are
  std::uint32_t run = 0;
  std::int64_t watermark_ms = kNoTime;  ///< all that closes by this has been sent
  SourceStatus status = SourceStatus::kActive;
  std::int64_t settled_ms = kNoTime;  ///< nothing that closes by this comes again

  bool operator==(const SourceWord&) const = default;
};

}  // namespace millrace
