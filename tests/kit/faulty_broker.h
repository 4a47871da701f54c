#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "millrace/framework/broker.h"

namespace millrace {

/// Thrown where the process that called is to die: it unwinds to whoever gave it its turn.
struct Killed {};

/// What a faulty broker does at a call: asked each time, so that a test or a seed can decide.
struct Faults {
  enum class Point {
    kServe,
    kPoll,
    kCommitted,
    kProduce,
    kSendOffsets,
    kBeforeCommit,  ///< offsets are sent
    kAfterCommit,   ///< the broker has committed, the caller does not know
    kAbort,
    kFlush,  ///< of a plain producer, before each partition that it has records for
    kInit,   ///< a transactional id is registered; never asked for by a simulation
    kApply,  ///< committed; asked by a simulated disk before a task's state is written
  };
  enum class Fault {
    kNone,
    kKill,     ///< the caller dies; at kProduce: at its next call, the record is lost
    kRetry,    ///< the call is to be made again
    kAbort,    ///< the transaction cannot go on
    kUnknown,  ///< nobody knows whether it happened
    kFenced,   ///< the producer is dead
    /// No fault, only another course: at kServe several changes of the group are told at once; at
    /// kPoll nothing has arrived yet; at kProduce what is queued reaches the log now; at kFlush
    /// another partition is served first.
    kNothing,
    kFailed,  ///< the call fails for good; at kPoll: as if the log had no such offset
  };
  std::function<Fault(Point)> at = [](Point) { return Fault::kNone; };
  std::uint64_t commits = 0;  ///< that have happened
};

/// A broker that fails as real ones do: calls to be made again, transactions to be aborted, commits
/// of unknown outcome, fetches that take their time, and the death of the caller around each step
/// of a commit.
class FaultyBroker final : public Broker {
 public:
  /// Both are borrowed.
  FaultyBroker(Broker& broker, Faults& faults) : broker_(broker), faults_(faults) {}

  Result<std::unique_ptr<Consumer>> consumer(const ConsumerOptions& options) override;
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override;
  Admin& admin() override { return broker_.admin(); }
  std::string name() const override { return "faulty " + broker_.name(); }

 private:
  Broker& broker_;
  Faults& faults_;
};

}  // namespace millrace
