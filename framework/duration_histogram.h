#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace {

/// How many durations were how long. Plain numbers that only grow; one thread, copies are free.
class DurationHistogram {
 public:
  /// Upper bounds of the buckets, included, in ms; the last bucket has none.
  static constexpr std::array<std::int64_t, 16> kBoundsMs{
      1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 30'000, 60'000, 600'000};
  static constexpr std::size_t kBuckets = kBoundsMs.size() + 1;

  /// `count` durations of `ms`; what a jumping clock makes negative counts as 0.
  void add(std::int64_t ms, std::uint64_t count = 1) {
    ms = std::max<std::int64_t>(ms, 0);
    const auto bucket = std::ranges::lower_bound(kBoundsMs, ms) - kBoundsMs.begin();
    counts_[static_cast<std::size_t>(bucket)] += count;
    count_ += count;
    sum_ms_ += static_cast<std::uint64_t>(ms) * count;
  }
  void add(const DurationHistogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ms_ += other.sum_ms_;
  }

  const std::array<std::uint64_t, kBuckets>& counts() const { return counts_; }  ///< per bucket
  std::uint64_t count() const { return count_; }
  std::uint64_t sum_ms() const { return sum_ms_; }

  bool operator==(const DurationHistogram&) const = default;

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ms_ = 0;
};

}  // namespace millrace
