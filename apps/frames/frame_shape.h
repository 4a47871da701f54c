#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/apps/program/split_mix.h"

namespace millrace {

/// Where in a frame its two fields stand: at any place among the fillers, in any order.
struct FrameShape {
  std::uint32_t length = 0;     ///< of the whole frame, about, in bytes
  std::uint32_t first_at = 0;   ///< fillers before the first of the two fields, in bytes
  std::uint32_t second_at = 0;  ///< at least first_at
  bool ts_first = true;
};

/// Draws the shape of a frame whose mean length is `bytes`.
FrameShape draw_frame_shape(std::uint32_t bytes, SplitMix& random);

/// Draws a text for fillers, as it is when it is read: decoy fields, quotes and separators of every
/// format, four scripts. None is a number, none has a line end.
std::string_view draw_decoy_text(SplitMix& random);

}  // namespace millrace
