#pragma once

#include <optional>
#include <string>

namespace millrace {

/// How distinct_count counts.
struct DistinctMethod {
  std::optional<int> precision;  ///< of the sketch; none: exact
  bool emit_sketch = false;

  bool is_sketch() const { return precision.has_value(); }
  std::string describe() const {
    return precision ? "sketch " + std::to_string(*precision) : "exact";
  }
};

/// A set of 128-bit fingerprints per window.
inline DistinctMethod exact() { return {}; }
/// An UltraLogLog of 2^precision bytes per window; `emit_sketch` puts it into the results, for
/// others to merge.
inline DistinctMethod sketch(int precision, bool emit_sketch = false) {
  return {precision, emit_sketch};
}

}  // namespace millrace
