#include "millrace/apps/integers/integer_generator.h"

#include <algorithm>
#include <cmath>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

__extension__ using Wide = unsigned __int128;

// `part` of `parts` equal parts of `amount`, rounded down: the last one is all of it.
std::int64_t share(std::int64_t amount, std::int64_t part, std::int64_t parts) {
  return static_cast<std::int64_t>(static_cast<Wide>(amount) * static_cast<Wide>(part) /
                                   static_cast<Wide>(parts));
}

std::vector<std::int64_t> counts_by_partition(const IntegerOptions& options) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(options.partitions));
  std::size_t first = 0;
  std::int64_t rest = options.count;
  if (options.skew) {
    counts[first++] = std::llround(*options.skew * static_cast<double>(options.count));
    rest -= counts[0];
  }
  const auto sharing = static_cast<std::int64_t>(counts.size() - first);
  for (std::int64_t i = 0; i < sharing; ++i)
    counts[first++] = share(rest, i + 1, sharing) - share(rest, i, sharing);
  return counts;
}

}  // namespace

AscendingIntegers::AscendingIntegers(std::int64_t count, std::int64_t max_value, std::uint64_t seed)
    : random_{seed}, span_{static_cast<std::uint64_t>(max_value) + 1} {
  MILLRACE_CHECK(count >= 0 && count <= kMaxCount, "the gaps of so many do not fit 64 bits");
  MILLRACE_CHECK(max_value >= 0, "integers are drawn from 0 to max_value");
  SplitMix again = random_;
  for (std::int64_t i = 0; i <= count; ++i) total_ += gap(again);  // one more: up to max_value
}

std::int64_t AscendingIntegers::next() {
  sum_ += gap(random_);
  MILLRACE_CHECK(sum_ <= total_, "more integers than were asked for");
  return static_cast<std::int64_t>(static_cast<Wide>(sum_) * span_ /
                                   (static_cast<Wide>(total_) + 1));
}

// Less than 2^23.
std::uint64_t AscendingIntegers::gap(SplitMix& random) {
  const std::uint64_t uniform = random.next() >> 32;
  return (uniform * uniform) >> 41;
}

IntegerGenerator::IntegerGenerator(const IntegerOptions& options)
    : counts_{counts_by_partition(options)} {
  SplitMix seeds{options.seed};
  for (const std::int64_t count : counts_)
    integers_.emplace_back(count, options.max_value, seeds.next());
  const std::int64_t largest = *std::max_element(counts_.begin(), counts_.end());
  rounds_ = (largest + kBurst - 1) / kBurst;
  if (rounds_ > 0) left_ = burst_end(0, 0);
}

// How many of a partition are out at the end of a round.
std::int64_t IntegerGenerator::burst_end(std::size_t partition, std::int64_t round) const {
  return share(counts_[partition], round + 1, rounds_);
}

bool IntegerGenerator::next(PartitionedInteger& integer) {
  if (round_ == rounds_) return false;
  while (left_ == 0) {
    if (++partition_ == counts_.size()) {
      partition_ = 0;
      if (++round_ == rounds_) return false;
    }
    left_ = burst_end(partition_, round_) - (round_ == 0 ? 0 : burst_end(partition_, round_ - 1));
  }
  --left_;
  integer = {static_cast<std::int32_t>(partition_), integers_[partition_].next()};
  return true;
}

}  // namespace millrace
