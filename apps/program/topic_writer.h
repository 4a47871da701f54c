#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "millrace/apps/program/progress.h"
#include "millrace/apps/program/signals.h"
#include "millrace/framework/broker.h"

namespace millrace {

/// Finds a topic, or creates it with `partitions` (0: 1), and returns its number of partitions.
/// kInvalid: it is there with a number other than `partitions`.
Result<std::int32_t> provide_topic(Admin& admin, const std::string& topic, std::int32_t partitions);

/// Whether any partition of the topic holds a record now.
Result<bool> holds_records(Admin& admin, const std::string& topic);

/// Writes records through a producer without transactions, as fast as the broker takes them, and
/// tells the progress. Used by one thread; what it is given must outlive it.
class TopicWriter {
 public:
  TopicWriter(Producer& producer, Progress& progress, const StopSignal& stop)
      : producer_{producer}, progress_{progress}, stop_{stop} {}

  /// Queues a record, waiting while the producer takes no more. `bytes` is what the progress shows
  /// as done with it. kRetry: a stop was requested, and the record was not written. Failures are
  /// the producer's.
  Status write(const OutgoingRecord& record, std::int64_t bytes);
  /// Hands over what is queued, without waiting for its delivery: before a pause in the input.
  void serve() { serve({}); }
  /// Waits until all is delivered, whatever was requested. kFailed names the first record that was
  /// not.
  Status flush();
  /// Records queued so far.
  std::int64_t records() const { return records_; }

 private:
  void serve(std::chrono::milliseconds timeout);

  Producer& producer_;
  Progress& progress_;
  const StopSignal& stop_;
  std::int64_t records_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace millrace
