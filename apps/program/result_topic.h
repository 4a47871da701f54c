#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "millrace/apps/program/window_result.h"
#include "millrace/framework/broker.h"

namespace millrace {

/// The committed results in a topic, read without a group. Not thread-safe, except wakeup(). The
/// broker must outlive it.
class ResultTopic {
 public:
  struct Options {
    std::string topic;
    std::string client_id;
    /// Offsets before the end of each partition from which on it is read.
    std::int64_t newest = std::numeric_limits<std::int64_t>::max();
  };
  static Result<std::unique_ptr<ResultTopic>> open(Broker& broker, const Options& options);

  using Visit = std::function<void(WindowResult)>;
  /// Hands over what is there now of all partitions, in order by partition; possibly nothing.
  Status read(const Visit& visit);
  /// Whether everything was read that the topic held when it was opened.
  bool caught_up() const;
  /// Whether it held more, before the newest.
  bool holds_earlier() const { return holds_earlier_; }
  /// Blocks until there may be more, or wakeup().
  void wait();
  /// From any thread.
  void wakeup() { consumer_->wakeup(); }
  Status close() { return consumer_->close(); }

  /// Records that are no results, and what is wrong with the first.
  std::int64_t foreign_records() const { return foreign_records_; }
  const std::string& first_foreign() const { return first_foreign_; }

 private:
  struct Partition {
    TopicPartition partition;
    std::int64_t end;  ///< when it was opened
  };
  using Codec = decltype(window_result_json());

  explicit ResultTopic(std::unique_ptr<Consumer> consumer) : consumer_{std::move(consumer)} {}
  void note_foreign(const TopicPartition& partition, const RecordView& record,
                    const DecodeOutcome& outcome);

  std::unique_ptr<Consumer> consumer_;
  std::vector<Partition> partitions_;
  Codec codec_ = window_result_json();
  RecordBatch batch_;
  bool holds_earlier_ = false;
  std::int64_t foreign_records_ = 0;
  std::string first_foreign_;
};

}  // namespace millrace
