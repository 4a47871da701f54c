#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>

namespace millrace {

/// Decides by a seed, the same way on every machine. One thread.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : generator_(seed) {}

  /// True so often, of 1.
  bool chance(double probability) {
    return static_cast<double>(generator_() >> 11) * 0x1p-53 < probability;
  }
  /// In [0, below). REQUIRES: below > 0.
  std::int64_t below(std::int64_t below) {
    return static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(below));
  }
  /// One of the choices; one that is named twice comes twice as often.
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<std::int64_t>(choices.size())));
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace millrace
