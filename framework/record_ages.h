#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "millrace/framework/duration_histogram.h"
#include "millrace/framework/record.h"

namespace millrace {

/// How old the records of one partition are when they are committed, counted from their timestamps.
///
/// Looks at a few records of each batch, each of which stands for those up to the next: a batch
/// costs the same whatever its size. Records without a timestamp are left out. One thread.
class RecordAges {
 public:
  /// Records that were read, in order.
  void read(std::span<const RecordView> records);
  /// Everything before `offset` is committed, at this wall-clock time: its ages go into `ages`.
  void committed(std::int64_t offset, std::int64_t now_ms, DurationHistogram& ages);
  /// What was read from `offset` on comes again.
  void forget(std::int64_t offset);

  static constexpr std::size_t kPerBatch = 4;
  /// What waits for its commit beyond this is taken for as old as the last one.
  static constexpr std::size_t kMostSamples = 1'024;

 private:
  struct Sample {
    std::int64_t last_offset;  ///< of the records that it stands for
    std::int64_t timestamp_ms;
    std::uint64_t count;
  };
  /// The first sample that stands for a record at `offset` or behind it.
  std::vector<Sample>::iterator reaching(std::int64_t offset);

  std::vector<Sample> samples_;
};

}  // namespace millrace
