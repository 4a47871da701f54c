#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "millrace/apps/program/split_mix.h"

namespace millrace {

/// Whole numbers in ascending order, spread over a range as random ones are: the sums of random
/// gaps, scaled so that the sum of all of them spans the range. (Sorted uniform numbers are sums of
/// exponential gaps over their total: Devroye, "Non-Uniform Random Variate Generation", 1986,
/// chapter V.2; the gaps here are squares of uniform numbers, nearly as uneven and the same on
/// every machine.) Drawing them all once for the total takes about a second per 10^9, no memory.
class AscendingIntegers {
 public:
  /// `count` numbers of [0, max_value]. REQUIRES: 0 <= count <= kMaxCount, 0 <= max_value.
  AscendingIntegers(std::int64_t count, std::int64_t max_value, std::uint64_t seed);

  /// The next one, not below the one before. REQUIRES: called at most `count` times.
  std::int64_t next();

  static constexpr std::int64_t kMaxCount = 1'000'000'000'000;  ///< whose gaps add up in 64 bits

 private:
  static std::uint64_t gap(SplitMix& random);

  SplitMix random_;
  const std::uint64_t span_;
  std::uint64_t sum_ = 0;
  std::uint64_t total_ = 0;
};

/// What the integers are to be like.
struct IntegerOptions {
  std::int64_t count = 0;
  std::int32_t partitions = 10;
  std::int64_t max_value = 1'000'000'000;
  std::optional<double> skew = {};  ///< share of partition 0, 0 to 1; none: all have the same
  std::uint64_t seed = 1;
};

/// An integer and the partition it is for.
struct PartitionedInteger {
  std::int32_t partition = 0;
  std::int64_t value = 0;
};

/// The integers of all partitions, ascending in each, in the order of a producer that fills all of
/// them together: in bursts, so that each partition is at the same share of its end at any time.
/// The sequence depends on the options alone, on any machine; memory on the number of partitions
/// alone. Not thread-safe.
class IntegerGenerator {
 public:
  /// REQUIRES: 0 <= count <= AscendingIntegers::kMaxCount, partitions > 0, 0 <= max_value, 0 <=
  /// skew
  /// <= 1; with one partition, no skew.
  explicit IntegerGenerator(const IntegerOptions& options);

  /// False after the last one.
  bool next(PartitionedInteger& integer);
  /// How many the partition gets in all.
  std::int64_t count_of(std::int32_t partition) const {
    return counts_[static_cast<std::size_t>(partition)];
  }

  static constexpr std::int64_t kBurst =
      100;  ///< of the largest partition; the others' are smaller

 private:
  std::int64_t burst_end(std::size_t partition, std::int64_t round) const;

  std::vector<std::int64_t> counts_;
  std::vector<AscendingIntegers> integers_;
  std::int64_t rounds_ = 0;
  std::int64_t round_ = 0;
  std::size_t partition_ = 0;
  std::int64_t left_ = 0;  // of the burst
};

}  // namespace millrace
