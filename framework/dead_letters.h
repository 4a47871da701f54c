#pragma once

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

/// Sends refused records to the dead-letter topic: original key, bytes and headers, and where they
/// came from in the headers millrace.topic, .partition, .offset, .timestamp, .error, .detail
/// (decimal text).
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

 private:
  Options options_;
  Collector& collector_;
};

}  // namespace millrace
