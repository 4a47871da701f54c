#include "millrace/framework/embedded/log_compaction.h"

#include <xxhash.h>

#include <algorithm>

namespace millrace::embedded {
namespace {

std::pair<std::uint64_t, std::uint64_t> hash_of(std::string_view key) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return {hash.low64, hash.high64};
}

}  // namespace

LogCompaction::LogCompaction(const TopicConfigs& configs, std::size_t floor_bytes)
    : floor_bytes_(floor_bytes),
      min_lag_ms_(configs.min_compaction_lag_ms),
      delete_retention_ms_(configs.delete_retention_ms) {}

bool LogCompaction::due() const {
  return phase_ == Phase::kIdle && fresh_bytes_ > std::max(floor_bytes_, live_bytes_);
}

void LogCompaction::begin(std::int64_t from, std::int64_t end) {
  phase_ = Phase::kIndex;
  begin_ = cursor_ = from;
  end_ = end;
  fresh_bytes_ = kept_bytes_ = 0;
  if (from >= end) abandon();
}

void LogCompaction::advance(std::int64_t offset) {
  cursor_ = offset;
  if (cursor_ < end_) return;
  if (phase_ == Phase::kIndex) {
    phase_ = Phase::kRewrite;
    cursor_ = begin_;
  } else {
    live_bytes_ = kept_bytes_;
    abandon();
  }
}

void LogCompaction::abandon() {
  phase_ = Phase::kIdle;
  last_ = {};
}

void LogCompaction::index(const LogRecord& record) {
  std::int64_t& last = last_[hash_of(record.key)];
  last = std::max(last, record.offset);
}

bool LogCompaction::keep(const LogRecord& record, std::int64_t now_ms, std::size_t bytes) {
  const auto last = last_.find(hash_of(record.key));
  const bool replaced = last != last_.end() && record.offset < last->second &&
                        record.timestamp_ms <= now_ms - min_lag_ms_;
  bool expired = false;
  if (record.value.data() == nullptr) {
    const auto [horizon, first_seen] =
        tombstones_.try_emplace(record.offset, now_ms + delete_retention_ms_);
    expired = !first_seen && now_ms > horizon->second;
    if (replaced || expired) tombstones_.erase(horizon);
  }
  if (replaced || expired) return false;
  kept_bytes_ += bytes;
  return true;
}

}  // namespace millrace::embedded
