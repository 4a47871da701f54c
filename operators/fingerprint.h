#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace millrace {

/// 128 bits that stand for a text: among 10^9 distinct texts the chance of any collision is below
/// 10^-20.
struct Fingerprint {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  auto operator<=>(const Fingerprint&) const = default;
};

/// Hashes `text` with XXH3 (128 bits, no seed). Part of the state and repartition formats: never
/// changes.
Fingerprint fingerprint(std::string_view text);

/// Maps a fingerprint to one of `shards` shards, evenly. Uses the top of `high` only: tables and
/// sketches take theirs from `low`, so that the fingerprints of one shard still spread over a whole
/// table. REQUIRES: shards > 0.
inline std::uint32_t shard_of(Fingerprint fingerprint, std::uint32_t shards) {
  return static_cast<std::uint32_t>(((fingerprint.high >> 32) * shards) >> 32);
}

}  // namespace millrace
