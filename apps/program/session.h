#pragma once

#include <memory>
#include <string>
#include <vector>

#include "millrace/apps/program/stream_options.h"
#include "millrace/apps/program/terminal.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"

namespace millrace {

/// A broker that a tool talks to without running a topology, and what it needs. Not movable: the
/// broker refers to the rest. Used by one thread.
class Session {
 public:
  /// What becomes of an embedded broker whose directory does not exist.
  enum class Missing { kCreate, kRefuse };

  /// kInvalid: --broker makes no sense; kNotFound: a directory that Missing::kRefuse refuses. To be
  /// called once, before the rest.
  Status open(const BrokerOptions& options, Missing missing);

  Broker& broker() { return *broker_; }
  Admin& admin() { return broker_->admin(); }
  Terminal& terminal() { return terminal_; }
  Clock& clock() { return clock_; }

 private:
  Terminal terminal_;
  SystemClock clock_;
  std::unique_ptr<LogSink> log_;
  std::unique_ptr<Broker> broker_;
};

/// All partitions of a topic, in order.
std::vector<TopicPartition> partitions_of(const TopicDescription& topic);

/// First and end offset of a partition.
struct OffsetRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

/// The offset ranges of `partitions`, in their order.
Result<std::vector<OffsetRange>> offset_ranges(Admin& admin,
                                               const std::vector<TopicPartition>& partitions);

/// Writes all of it to standard output, unbuffered. kFailed names the reason.
Status write_output(std::string_view text);

}  // namespace millrace
