#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/framework/embedded/group_coordinator.h"
#include "millrace/framework/embedded/news.h"
#include "millrace/framework/embedded/partition_log.h"
#include "millrace/framework/embedded/storage.h"

namespace millrace::embedded {

/// Transactions: epochs and fencing, time-outs, and the one write that decides each of them.
/// Thread-safe.
///
/// A commit with a directory is one atomic write: records, ends of the logs, offsets. Markers are
/// written at once, so that a transaction is pending exactly as long as it is open.
class TransactionCoordinator {
 public:
  TransactionCoordinator(GroupCoordinator& groups, News& news, Clock& clock, Storage* storage)
      : groups_(groups), news_(news), clock_(clock), storage_(storage) {}

 private:
  struct Transaction {
    std::uint64_t number = 0;
    std::int64_t deadline_ms = 0;
    std::map<LogId, std::shared_ptr<PartitionLog>> logs;
    std::size_t bytes = 0;                                        ///< of records, about
    std::map<std::string, std::vector<PartitionOffset>> offsets;  ///< by group, in the order sent
  };
  /// All there is to one transactional id.
  struct State {
    std::mutex mutex;
    std::int32_t epoch = 0;
    std::optional<Transaction> open;
  };

 public:
  /// A producer's registration. The calls below are kFenced once another has registered its id, or
  /// its transaction has timed out; kInvalid when the transaction that they need is not open.
  struct Registration {
    std::string transactional_id;
    std::int64_t timeout_ms = 0;
    std::shared_ptr<State> state;
    std::int32_t epoch = 0;
  };

  /// Fences former registrations of the id and aborts their open transaction.
  Result<Registration> register_producer(const std::string& transactional_id,
                                         std::int64_t timeout_ms);
  Status begin(const Registration& producer);
  Result<std::int64_t> append(const Registration& producer,
                              const std::shared_ptr<PartitionLog>& log,
                              const PendingRecords& records);
  Status send_offsets(const Registration& producer, std::span<const PartitionOffset> offsets,
                      const EmbeddedGroupMetadata& credentials);
  /// Commits or aborts. An abort without an open transaction is OK.
  Status end(const Registration& producer, bool commit);

  /// Aborts what has timed out. Costs a look at the clock while nothing has.
  void expire();

 private:
  Status check(const Registration& producer) const;
  Status check_open(const Registration& producer) const;
  Status finish(State& state, bool commit);

  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  GroupCoordinator& groups_;
  News& news_;
  Clock& clock_;
  Storage* const storage_;
  std::mutex mutex_;  ///< taken before a State's, never the other way round
  std::map<std::string, std::shared_ptr<State>> states_;
  std::atomic<std::uint64_t> next_number_ = PartitionLog::kNoTransaction + 1;
  std::atomic<std::int64_t> next_deadline_ms_ = kNever;  ///< not later than the first deadline
};

}  // namespace millrace::embedded
