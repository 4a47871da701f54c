#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/broker_contact.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/collector.h"
#include "millrace/framework/log.h"

namespace millrace {

/// Ends at once what a dead producer with this id left open, which would take the broker ten to
/// twenty seconds. One that lives is fenced.
Status fence(Broker& broker, LogSink& log, const std::string& client_id,
             const std::string& transactional_id);

/// The same for all who committed last in this group and are not in it any more, but for `self`.
Status fence_gone_members(Broker& broker, LogSink& log, const std::string& group_id,
                          const std::string& client_id, const std::string& self);

/// Owns a thread's producer and brings a commit to its end: offsets and outputs in one transaction,
/// or one after the other where at-least-once is enough; aborts; outcomes that nobody was told.
///
/// Calls block while the broker is away, for a minute at most, a few seconds once the thread is to
/// stop. One thread, but for hurry().
class Committer {
 public:
  struct Options {
    Broker& broker;
    const Clock& clock;
    LogSink& log;
    Collector& collector;  ///< gets each new producer
    BrokerContact& contact;
    Guarantee guarantee;
    std::string group_id;
    std::string transactional_id;  ///< "<group id>-<instance>-<thread>", as in the client id
    std::string client_id;
    std::chrono::milliseconds commit_interval;
  };
  /// Everything borrowed must outlive this object.
  explicit Committer(Options options)
      : options_(std::move(options)), began_ms_(options_.clock.monotonic_ms()) {}

  bool exactly_once() const { return options_.guarantee == Guarantee::kExactlyOnce; }
  const std::string& transactional_id() const { return options_.transactional_id; }
  /// REQUIRES: renew() was called.
  Producer& producer() { return *producer_; }

  /// A new producer; settles the open transaction of a former one with the same id. kRetry: the
  /// broker is away, or this producer was lost as well; REQUIRES then: called again before anything
  /// else is sent. kFailed as fenced().
  Status renew();
  bool must_renew() const { return must_renew_; }
  /// Call when the producer was fenced, before renew(). kFailed: it happens so often that another
  /// process must have the same id.
  Status fenced();
  /// Takes back what was sent since the last commit; at least once, that is not possible and not
  /// done. True if a transaction was open.
  Result<bool> abort();
  /// At least once: waits until all that was sent has arrived. Exactly once, nothing has to: what a
  /// transaction holds is there as a whole or not at all.
  Status deliver();
  /// Commits what was sent, with these offsets, whose metadata carries `commit_id`. kAbort,
  /// kFenced: it did not happen. kUnknown: nobody could tell; neither going on nor going back is
  /// right, only a new take-over.
  Status commit(std::uint64_t commit_id, std::span<const PartitionOffset> offsets,
                Consumer& consumer, const GroupMetadata& group);
  /// Ends the transactions of those who committed last in this group and are not in it any more.
  Status fence_gone_members() {
    return millrace::fence_gone_members(options_.broker, options_.log, options_.group_id,
                                        options_.client_id, options_.transactional_id);
  }
  /// The thread is to stop: wait for a broker that is away no longer than necessary. From any
  /// thread.
  void hurry() { hurry_ = true; }

 private:
  template <class Call>
  auto retrying(Call call);
  Status commit_offsets(std::span<const PartitionOffset> offsets, Consumer& consumer);
  Result<bool> settle(std::uint64_t commit_id, std::span<const PartitionOffset> offsets,
                      Consumer& consumer);

  Options options_;
  const std::int64_t began_ms_;
  std::unique_ptr<Producer> producer_;
  bool must_renew_ = false;
  std::deque<std::int64_t> fenced_ms_;  ///< the last few times
  std::atomic<bool> hurry_{false};
};

}  // namespace millrace
