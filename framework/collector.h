#pragma once

#include <cstddef>
#include <cstdint>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"

namespace millrace {

/// What a crash, a rebalance or a lost connection may do to results.
enum class Guarantee : std::uint8_t {
  kExactlyOnce,  ///< nothing: outputs, state and offsets are committed in one transaction
  kAtLeastOnce,  ///< input since the last commit counts again; no transactions
};

/// Where a thread's tasks put their outputs: opens the transaction at the first record, waits when
/// the producer is full.
///
/// Outputs happen deep inside operators, so errors are kept: after the first one nothing more is
/// sent, and the thread reads it by status() at the end of its turn. One thread.
class Collector {
 public:
  /// `clock` must outlive the collector.
  explicit Collector(const Clock& clock) : clock_(clock) {}

  /// A new producer; forgets everything.
  void use(Producer& producer, Guarantee guarantee);
  /// Queues a record in the open transaction.
  void send(const OutgoingRecord& record);
  /// Opens the transaction if it is not open. At least once, a transaction is only what is sent
  /// between two commits.
  void ensure_open();
  bool transaction_open() const { return open_; }
  /// Sent in the open transaction, with what a record takes beside key and value.
  std::size_t transaction_bytes() const { return bytes_; }
  static constexpr std::size_t kRecordBytes = 16;
  /// The first error since finished(); OK if none.
  const Status& status() const { return status_; }
  /// What was sent in all, also what was aborted.
  std::uint64_t sent_records() const { return sent_records_; }
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  /// Of these, what the producer still keeps.
  std::size_t queued_bytes() const { return producer_ ? producer_->queued_bytes() : 0; }
  /// How long the producer was full, in all.
  std::int64_t full_ms() const { return full_ms_; }
  /// The transaction was committed or aborted.
  void finished();

  /// A producer that takes nothing for so long is given up.
  static constexpr std::int64_t kFullTimeoutMs = 60'000;

 private:
  void wait_for_room(const OutgoingRecord& record);

  const Clock& clock_;
  Producer* producer_ = nullptr;
  bool transactional_ = true;
  bool open_ = false;
  std::size_t bytes_ = 0;
  std::uint64_t sent_records_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::int64_t full_ms_ = 0;
  Status status_;
};

}  // namespace millrace
