#include "millrace/framework/restore_progress.h"

namespace millrace {

void RestoreProgress::add(std::size_t records, std::size_t bytes, std::int64_t position,
                          std::int64_t now_ms, LogSink& log) {
  records_ += records;
  bytes_ += bytes;
  position_ = position;
  if (now_ms - shown_ms_ < kEveryMs) return;
  shown_ms_ = now_ms;
  const auto done = share();
  if (!done) return;
  log.write(LogLevel::kInfo, "restoring",
            {{"task", task_},
             {"store", store_},
             {"topic", changelog_.topic},
             {"partition", changelog_.partition},
             {"offset", position_},
             {"records", records_},
             {"bytes", bytes_},
             {"percent", static_cast<std::int64_t>(100 * *done)},
             {"seconds_left", seconds_left(*done, now_ms)}});
}

/// None while nothing can be told: nothing was read yet, or what was read lies before the begin.
std::optional<double> RestoreProgress::share() const {
  const std::int64_t done = position_ - begin_;
  const std::int64_t all = end_ - begin_;
  if (done <= 0 || all <= 0) return std::nullopt;
  return static_cast<double>(done) / static_cast<double>(all);
}

std::int64_t RestoreProgress::seconds_left(double share, std::int64_t now_ms) const {
  const double seconds = static_cast<double>(now_ms - began_ms_) / 1'000;
  return static_cast<std::int64_t>(seconds / share - seconds + 0.5);
}

RestoreStatus RestoreProgress::status(std::int64_t now_ms) const {
  RestoreStatus result{store_, begin_, position_, end_, records_, bytes_, std::nullopt};
  if (const auto done = share()) result.seconds_left = seconds_left(*done, now_ms);
  return result;
}

void RestoreProgress::finish(std::int64_t now_ms, LogSink& log) const {
  log.write(LogLevel::kInfo, "restored",
            {{"task", task_},
             {"store", store_},
             {"topic", changelog_.topic},
             {"partition", changelog_.partition},
             {"offset", position_},
             {"records", records_},
             {"bytes", bytes_},
             {"ms", now_ms - began_ms_}});
}

}  // namespace millrace
