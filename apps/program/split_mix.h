#pragma once

#include <cstdint>

namespace millrace {

/// A small random generator whose sequence is part of what the generators promise: the same seed
/// gives the same bytes on every machine and with every standard library (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", OOPSLA 2014).
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
  /// Uniform in [0, bound), by multiplication: the bias of at most bound / 2^32 does not matter
  /// here.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

  /// The output function: a bijection of 64-bit numbers.
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace millrace
