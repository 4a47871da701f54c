#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "millrace/apps/program/window_result.h"

namespace millrace {

/// The last word on each of the newest windows, and in which order it came. Memory is bounded: of
/// too many windows it forgets the earliest one of the kind that has most. Not thread-safe.
class NewestResults {
 public:
  static constexpr std::size_t kWindows = 2'000;

  explicit NewestResults(std::size_t windows = kWindows) : windows_(windows) {}

  /// Takes a result; it replaces what was known of the same window. REQUIRES: those of one window
  /// come in the order of their topic.
  void add(WindowResult result);
  /// What was added behind the addition of this number and was not replaced since, in order.
  /// Valid until the next add().
  std::vector<const WindowResult*> added_after(std::uint64_t number) const;
  /// Number of the last addition; 0: there was none.
  std::uint64_t last() const { return last_; }
  /// Whether a window was forgotten.
  bool forgot() const { return forgot_; }

 private:
  struct Numbered {
    std::uint64_t number = 0;
    WindowResult result;
  };
  using Series = std::map<std::int64_t, Numbered>;  // by start

  void forget_one();

  std::size_t windows_;
  std::map<std::string, Series> kinds_;
  std::size_t held_ = 0;
  std::uint64_t last_ = 0;
  bool forgot_ = false;
};

}  // namespace millrace
