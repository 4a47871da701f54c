#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

#include "millrace/framework/embedded/embedded_format.h"
#include "millrace/framework/embedded/topic_configs.h"

namespace millrace::embedded {

/// Which records of a compacted log may go: the judgement, without the log. Not thread-safe.
///
/// A pass covers the offsets [begin, end) twice: first it notes the last offset of every key (by
/// its 128-bit hash), then it keeps what is last. It starts when more has been appended than was
/// alive after the pass before, so the work is a constant factor of the appends. The log drives it
/// in pieces: it stands at cursor() between them.
class LogCompaction {
 public:
  enum class Phase { kIdle, kIndex, kRewrite };

  LogCompaction(const TopicConfigs& configs, std::size_t floor_bytes);

  void appended(std::size_t bytes) { fresh_bytes_ += bytes; }
  bool due() const;
  void begin(std::int64_t from, std::int64_t end);
  Phase phase() const { return phase_; }
  std::int64_t cursor() const { return cursor_; }
  std::int64_t end() const { return end_; }
  /// Everything below `offset` is done in this phase; at the end of the pass the next phase begins.
  void advance(std::int64_t offset);
  /// Gives the pass up, after a failure.
  void abandon();

  void index(const LogRecord& record);
  /// False for what a later record replaces and for tombstones that were seen `delete.retention.ms`
  /// ago.
  bool keep(const LogRecord& record, std::int64_t now_ms, std::size_t bytes);

 private:
  using Hash = std::pair<std::uint64_t, std::uint64_t>;
  struct HashOfHash {
    std::size_t operator()(const Hash& hash) const { return hash.first; }
  };

  const std::size_t floor_bytes_;
  const std::int64_t min_lag_ms_;
  const std::int64_t delete_retention_ms_;
  Phase phase_ = Phase::kIdle;
  std::int64_t begin_ = 0;
  std::int64_t cursor_ = 0;
  std::int64_t end_ = 0;
  std::size_t fresh_bytes_ = 0;  ///< appended since the last pass began
  std::size_t live_bytes_ = 0;   ///< kept by the last pass
  std::size_t kept_bytes_ = 0;   ///< kept by this one so far
  std::unordered_map<Hash, std::int64_t, HashOfHash> last_;
  std::map<std::int64_t, std::int64_t> tombstones_;  ///< offset -> wall clock from which it may go
};

}  // namespace millrace::embedded
