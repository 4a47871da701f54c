#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

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

/// Sends refused records to the dead-letter topic: original key, bytes and headers, and where they
/// came from in the headers millrace.topic, .partition, .offset, .timestamp, .error, .detail
/// (decimal text). Counts them by reason. One thread.
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
  /// What was refused since the last commit is committed, or is to come again.
  void committed() { committed_ = counts_; }
  void aborted() { counts_ = committed_; }
  /// As committed, since this object was made.
  const RefusalCounts& counts() const { return committed_; }

 private:
  Options options_;
  Collector& collector_;
  RefusalCounts counts_{};
  RefusalCounts committed_{};
};

}  // namespace millrace
