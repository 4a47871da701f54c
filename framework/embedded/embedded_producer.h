#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/embedded/core.h"

namespace millrace::embedded {

/// A producer of the embedded broker. `core` must outlive it. Destroyed with a transaction open it
/// leaves it to the time-out or to its successor, as a crash would.
class EmbeddedProducer final : public Producer {
 public:
  EmbeddedProducer(Core& core, ProducerOptions options)
      : core_(core), options_(std::move(options)) {}

  Status init_transactions() override;
  Status begin() override;
  Status produce(const OutgoingRecord& record) override;
  /// Hands over what is queued. Never waits: there is nothing to wait for.
  void poll(std::chrono::milliseconds timeout) override;
  std::size_t queued_bytes() const override { return queued_bytes_; }
  Status flush(std::chrono::milliseconds timeout) override;
  Status send_offsets(std::span<const PartitionOffset> offsets,
                      const GroupMetadata& group) override;
  Status commit() override;
  Status abort() override;
  std::optional<std::int64_t> delivered_offset(const TopicPartition& partition) const override;

 private:
  struct Destination {
    std::shared_ptr<PartitionLog> log;
    PendingRecords pending;
    std::optional<std::int64_t> delivered;
  };
  using Destinations = std::map<std::string, std::vector<Destination>, std::less<>>;

  bool transactional() const { return !options_.transactional_id.empty(); }
  Status check_registered() const;
  Result<Destination*> destination(const OutgoingRecord& record);
  void forget(std::vector<Destination>& partitions);
  Status hand_over(Destination& destination);
  void hand_over_all();
  void drop_all();

  Core& core_;
  const ProducerOptions options_;
  std::optional<TransactionCoordinator::Registration> registration_;
  bool open_ = false;  ///< between begin() and the end of the transaction
  Destinations destinations_;
  std::vector<Destination*> waiting_;  ///< those with pending records
  std::size_t queued_bytes_ = 0;
  Status failure_;  ///< of the first delivery that failed since the last flush or abort
};

}  // namespace millrace::embedded
