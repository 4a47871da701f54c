#include "millrace/framework/restore_progress.h"

namespace millrace {

void RestoreProgress::add(std::size_t records, std::size_t bytes, std::int64_t position,
                          std::int64_t now_ms, LogSink& log) {
  records_ += records;
  bytes_ += bytes;
  if (now_ms - shown_ms_ < kEveryMs) return;
  shown_ms_ = now_ms;
  const std::int64_t done = position - begin_;
  const std::int64_t all = end_ - begin_;
  if (done <= 0 || all <= 0) return;  // nothing can be told from that
  const double share = static_cast<double>(done) / static_cast<double>(all);
  const double seconds = static_cast<double>(now_ms - began_ms_) / 1'000;
  log.write(LogLevel::kInfo, "restoring",
            {{"task", task_},
             {"store", store_},
             {"records", records_},
             {"bytes", bytes_},
             {"percent", static_cast<std::int64_t>(100 * share)},
             {"seconds_left", static_cast<std::int64_t>(seconds / share - seconds + 0.5)}});
}

void RestoreProgress::finish(std::int64_t now_ms, LogSink& log) const {
  log.write(LogLevel::kInfo, "restored",
            {{"task", task_},
             {"store", store_},
             {"records", records_},
             {"bytes", bytes_},
             {"ms", now_ms - began_ms_}});
}

}  // namespace millrace
