#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "millrace/apps/program/window_result.h"

namespace millrace {

/// The newest result of each window, by kind of window. Not thread-safe.
class WindowResults {
 public:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  /// Takes a result; it replaces what was known of the same window. REQUIRES: those of one window
  /// come in the order of their topic.
  void add(WindowResult result);
  bool empty() const { return kinds_.empty(); }

  /// For each kind of window, short ones first, a table of the last `rows` windows by time, and a
  /// line with averages and peak of all that are final.
  std::string text(std::size_t rows = kAll) const;

 private:
  using Series = std::map<std::int64_t, WindowResult>;  // by start
  static std::string series_text(const std::string& kind, const Series& series, std::size_t rows);

  std::map<std::string, Series> kinds_;
};

}  // namespace millrace
