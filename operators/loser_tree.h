#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace millrace {

/// A tournament among a fixed number of inputs that remembers its losers: after the winner's input
/// has moved on, log2(n) comparisons find the next one (Knuth, The Art of Computer Programming 3,
/// 5.4.1). One thread.
class LoserTree {
 public:
  /// Plays all matches. `beats(a, b)` says whether input a goes before b; it must be a total order.
  template <class Beats>
  void build(std::size_t inputs, Beats beats) {
    losers_.assign(inputs, kNobody);
    winner_ = kNobody;
    for (std::size_t i = 0; i < inputs; ++i) climb(i, beats);
  }
  /// REQUIRES: built with at least one input.
  std::size_t winner() const { return winner_; }
  /// The winner's input has moved on.
  template <class Beats>
  void replay(Beats beats) {
    climb(winner_, beats);
  }

 private:
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

  template <class Beats>
  void climb(std::size_t input, Beats beats) {
    for (std::size_t node = (input + losers_.size()) / 2; node > 0; node /= 2) {
      if (losers_[node] == kNobody) {  // while building: the first here waits for the other
        losers_[node] = input;
        return;
      }
      if (beats(losers_[node], input)) std::swap(losers_[node], input);
    }
    winner_ = input;
  }

  std::vector<std::size_t> losers_;  ///< of the inner nodes, 1 is the root
  std::size_t winner_ = kNobody;
};

}  // namespace millrace
