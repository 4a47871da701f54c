#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/codec.h"
#include "millrace/framework/collector.h"

namespace millrace {

/// What to do with a record that cannot be processed (design §11).
enum class BadRecordPolicy {
  kDeadLetter,  ///< to the dead-letter topic, and go on
  kSkip,        ///< count it, and go on
  kStop,        ///< end the program, nothing lost: the default where no dead-letter topic is set
};

/// Refused records by RecordError.
using RefusalCounts = std::array<std::uint64_t, kRecordErrors>;

/// A record that was refused, as far as people want to see it.
struct RefusedRecord {
  TopicPartition partition;
  std::int64_t offset = 0;
  RecordError error = RecordError::kNone;
  std::string detail;
  std::string value;              ///< its first bytes
  std::int64_t committed_ms = 0;  ///< when that was committed, Unix ms
};

/// Sends refused records to the dead-letter topic: original key, bytes and headers, and where they
/// came from in the headers millrace.topic, .partition, .offset, .timestamp, .error, .detail
/// (decimal text). Counts them by reason and keeps the last ones. One thread.
class DeadLetters {
 public:
  struct Options {
    BadRecordPolicy policy = BadRecordPolicy::kStop;
    std::string topic;  ///< REQUIRES for kDeadLetter: not empty
    std::int32_t partitions = 1;
  };

  DeadLetters(Options options, Collector& collector)
      : options_(std::move(options)), collector_(collector) {}

  bool stops() const { return options_.policy == BadRecordPolicy::kStop; }
  /// OK when the record has been dealt with; under kStop the error that ends the program.
  Status refuse(const TopicPartition& source, const RecordView& record, RecordError error,
                std::string_view detail);
  /// What was refused since the last commit is committed, at this wall-clock time, or is to come
  /// again.
  void committed(std::int64_t now_ms);
  void aborted();
  /// As committed, since this object was made.
  const RefusalCounts& counts() const { return committed_; }
  /// The last ones that are committed, the oldest first. Never null; what it points to stays as it
  /// is.
  const std::shared_ptr<const std::vector<RefusedRecord>>& last() const { return last_; }

  static constexpr std::size_t kLast = 16;
  static constexpr std::size_t kValueBytes = 256;

 private:
  void remember(const TopicPartition& source, const RecordView& record, RecordError error,
                std::string_view detail);

  Options options_;
  Collector& collector_;
  RefusalCounts counts_{};
  RefusalCounts committed_{};
  std::vector<RefusedRecord> pending_;  ///< a ring: its places are used again
  std::size_t refused_ = 0;             ///< since the last commit
  std::shared_ptr<const std::vector<RefusedRecord>> last_ =
      std::make_shared<std::vector<RefusedRecord>>();
};

}  // namespace millrace
