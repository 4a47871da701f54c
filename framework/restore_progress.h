#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "millrace/framework/log.h"
#include "millrace/framework/task_status.h"

namespace millrace {

/// How far the restore of one store has come, for people: a line every few seconds and one at the
/// end, and a status at any time. One thread; times are of the monotonic clock.
class RestoreProgress {
 public:
  static constexpr std::int64_t kEveryMs = 5'000;

  /// Restores offsets [begin, end) of the store's changelog.
  RestoreProgress(std::string task, std::string store, TopicPartition changelog, std::int64_t begin,
                  std::int64_t end, std::int64_t now_ms)
      : task_(std::move(task)),
        store_(std::move(store)),
        changelog_(std::move(changelog)),
        begin_(begin),
        end_(end),
        began_ms_(now_ms),
        position_(begin),
        shown_ms_(now_ms) {}

  /// So many records and bytes have come; `position` is where the changelog is read on.
  void add(std::size_t records, std::size_t bytes, std::int64_t position, std::int64_t now_ms,
           LogSink& log);
  void finish(std::int64_t now_ms, LogSink& log) const;
  RestoreStatus status(std::int64_t now_ms) const;

 private:
  std::optional<double> share() const;
  std::int64_t seconds_left(double share, std::int64_t now_ms) const;

  const std::string task_;
  const std::string store_;
  const TopicPartition changelog_;
  const std::int64_t begin_;
  const std::int64_t end_;
  const std::int64_t began_ms_;
  std::int64_t position_;
  std::int64_t shown_ms_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace millrace
