#include "millrace/framework/record_ages.h"

#include <algorithm>

namespace millrace {

void RecordAges::read(std::span<const RecordView> records) {
  const std::size_t piece = (records.size() + kPerBatch - 1) / kPerBatch;
  while (!records.empty()) {
    const auto some = records.first(std::min(piece, records.size()));
    records = records.subspan(some.size());
    if (some.front().timestamp_ms == RecordView::kNoTimestamp) continue;
    if (samples_.size() == kMostSamples) {
      samples_.back().last_offset = some.back().offset;
      samples_.back().count += some.size();
    } else {
      samples_.push_back({some.back().offset, some.front().timestamp_ms, some.size()});
    }
  }
}

std::vector<RecordAges::Sample>::iterator RecordAges::reaching(std::int64_t offset) {
  return std::ranges::find_if(samples_,
                              [&](const Sample& each) { return each.last_offset >= offset; });
}

void RecordAges::forget(std::int64_t offset) { samples_.erase(reaching(offset), samples_.end()); }

void RecordAges::committed(std::int64_t offset, std::int64_t now_ms, DurationHistogram& ages) {
  const auto waiting = reaching(offset);
  for (auto sample = samples_.begin(); sample != waiting; ++sample)
    ages.add(now_ms - sample->timestamp_ms, sample->count);
  samples_.erase(samples_.begin(), waiting);
}

}  // namespace millrace
