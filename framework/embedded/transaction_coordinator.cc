#include "millrace/framework/embedded/transaction_coordinator.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::embedded {

Result<TransactionCoordinator::Registration> TransactionCoordinator::register_producer(
    const std::string& transactional_id, std::int64_t timeout_ms) {
  std::shared_ptr<State> state;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = states_[transactional_id];
    if (slot == nullptr) slot = std::make_shared<State>();
    state = slot;
  }
  const std::lock_guard lock(state->mutex);
  if (state->open) MILLRACE_RETURN_IF_ERROR(finish(*state, false));
  return Registration{transactional_id, timeout_ms, state, ++state->epoch};
}

Status TransactionCoordinator::check(const Registration& producer) const {
  if (producer.epoch == producer.state->epoch) return {};
  return Status::fenced(fmt::format(
      "transactional id '{}': epoch {} is over (now {}), by another producer with this id or "
      "because a "
      "transaction was open for more than {} ms: build a new producer",
      producer.transactional_id, producer.epoch, producer.state->epoch, producer.timeout_ms));
}

Status TransactionCoordinator::check_open(const Registration& producer) const {
  MILLRACE_RETURN_IF_ERROR(check(producer));
  if (producer.state->open) return {};
  return Status::invalid(
      fmt::format("transactional id '{}': no transaction is open: call begin() first",
                  producer.transactional_id));
}

Status TransactionCoordinator::begin(const Registration& producer) {
  const std::lock_guard lock(producer.state->mutex);
  MILLRACE_RETURN_IF_ERROR(check(producer));
  if (producer.state->open)
    return Status::invalid(fmt::format(
        "transactional id '{}': a transaction is open already: commit or abort it first",
        producer.transactional_id));
  Transaction& transaction = producer.state->open.emplace();
  transaction.number = next_number_++;
  transaction.deadline_ms = clock_.monotonic_ms() + producer.timeout_ms;
  std::int64_t first = next_deadline_ms_;
  while (transaction.deadline_ms < first &&
         !next_deadline_ms_.compare_exchange_weak(first, transaction.deadline_ms)) {
  }
  return {};
}

Result<std::int64_t> TransactionCoordinator::append(const Registration& producer,
                                                    const std::shared_ptr<PartitionLog>& log,
                                                    const PendingRecords& records) {
  const std::lock_guard lock(producer.state->mutex);
  MILLRACE_RETURN_IF_ERROR(check_open(producer));
  Transaction& transaction = *producer.state->open;
  auto last = log->append(records, transaction.number);
  if (!last.ok()) return last;
  transaction.logs.emplace(log->id(), log);
  transaction.bytes += records.written_bound();
  return last;
}

Status TransactionCoordinator::send_offsets(const Registration& producer,
                                            std::span<const PartitionOffset> offsets,
                                            const EmbeddedGroupMetadata& credentials) {
  const std::lock_guard lock(producer.state->mutex);
  MILLRACE_RETURN_IF_ERROR(check_open(producer));
  MILLRACE_RETURN_IF_ERROR(groups_.add_pending(credentials, offsets));
  auto& all = producer.state->open->offsets[credentials.group];
  all.insert(all.end(), offsets.begin(), offsets.end());
  return {};
}

Status TransactionCoordinator::end(const Registration& producer, bool commit) {
  const std::lock_guard lock(producer.state->mutex);
  MILLRACE_RETURN_IF_ERROR(check(producer));
  if (!producer.state->open && !commit) return {};
  MILLRACE_RETURN_IF_ERROR(check_open(producer));
  return finish(*producer.state, commit);
}

/// Decides the open transaction. On an error it stays open.
Status TransactionCoordinator::finish(State& state, bool commit) {
  Transaction& transaction = *state.open;
  Storage::Batch batch(storage_ != nullptr && commit ? transaction.bytes : 0);
  {
    // The logs stay locked around the write, in the order of their ids: a log's end never goes back
    // in the directory.
    std::vector<PartitionLog::Ending> endings;
    endings.reserve(transaction.logs.size());
    for (const auto& [id, log] : transaction.logs)
      endings.emplace_back(*log, transaction.number, commit,
                           storage_ == nullptr ? nullptr : &batch);
    if (storage_ != nullptr) {
      if (commit)
        for (const auto& [group, offsets] : transaction.offsets)
          for (const PartitionOffset& offset : offsets)
            batch.put(offset_key(group, offset.partition),
                      encode(StoredOffset{offset.offset, offset.metadata}));
      MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
    }
    for (auto& ending : endings) ending.complete();
  }
  for (const auto& [group, offsets] : transaction.offsets) groups_.settle(group, offsets, commit);
  state.open.reset();
  news_.raise();
  return {};
}

void TransactionCoordinator::expire() {
  const std::int64_t now = clock_.monotonic_ms();
  if (now < next_deadline_ms_) return;
  const std::lock_guard lock(mutex_);
  next_deadline_ms_ = kNever;  // begin() lowers it again, also while we look
  std::int64_t first = kNever;
  for (const auto& [id, state] : states_) {
    const std::lock_guard state_lock(state->mutex);
    if (!state->open) continue;
    // If the directory fails, the transaction stays open and is tried again with the next call.
    if (now >= state->open->deadline_ms && finish(*state, false).ok())
      ++state->epoch;
    else
      first = std::min(first, state->open->deadline_ms);
  }
  std::int64_t known = next_deadline_ms_;
  while (first < known && !next_deadline_ms_.compare_exchange_weak(known, first)) {
  }
}

}  // namespace millrace::embedded
