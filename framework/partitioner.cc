#include "millrace/framework/partitioner.h"

namespace millrace {

std::uint32_t murmur2(std::string_view key) {
  constexpr std::uint32_t kSeed = 0x9747b28c;
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(key[i]));
  };

  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  const std::size_t words = key.size() / 4;
  for (std::size_t i = 0; i < words * 4; i += 4) {
    std::uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= kMultiplier;
    k ^= k >> kShift;
    k *= kMultiplier;
    hash *= kMultiplier;
    hash ^= k;
  }
  const std::size_t tail = words * 4;
  switch (key.size() - tail) {
    case 3:
      hash ^= byte(tail + 2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= byte(tail + 1) << 8;
      [[fallthrough]];
    case 1:
      hash ^= byte(tail);
      hash *= kMultiplier;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

}  // namespace millrace
