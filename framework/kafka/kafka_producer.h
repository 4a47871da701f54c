#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/kafka/kafka_client.h"
#include "millrace/framework/kafka/kafka_errors.h"

namespace millrace::kafka {

/// Producer on librdkafka: idempotent, with transactions if it has a transactional id.
class KafkaProducer final : public Producer {
 public:
  static Result<std::unique_ptr<Producer>> create(Conf conf, const ProducerOptions& options,
                                                  Clock& clock, std::shared_ptr<ClientWatch> watch);

  Status init_transactions() override;
  Status begin() override;
  Status produce(const OutgoingRecord& record) override;
  void poll(std::chrono::milliseconds timeout) override;
  std::size_t queued_bytes() const override;
  Status flush(std::chrono::milliseconds timeout) override;
  Status send_offsets(std::span<const PartitionOffset> offsets,
                      const GroupMetadata& group) override;
  Status commit() override;
  Status abort() override;
  std::optional<std::int64_t> delivered_offset(const TopicPartition& partition) const override;

 private:
  struct Core;
  struct Topic;

  KafkaProducer(const ProducerOptions& options, Clock& clock, std::shared_ptr<Core> core);
  Result<Topic*> topic(std::string_view name);
  Status call(Call kind, std::string_view what,
              std::function<rd_kafka_error_t*(rd_kafka_t*)> function);
  Status check_alive() const;

  const ProducerOptions options_;
  Clock& clock_;
  /// The librdkafka instance and what its callbacks touch. Shared with a call that hangs; null once
  /// given up.
  std::shared_ptr<Core> core_;
  bool in_transaction_ = false;
};

}  // namespace millrace::kafka
