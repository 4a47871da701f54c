#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/kafka/kafka_client.h"

namespace millrace::kafka {

/// A snapshot of librdkafka's group metadata.
struct KafkaGroupMetadata final : GroupMetadata {
  explicit KafkaGroupMetadata(RawGroupMetadata metadata) : raw(std::move(metadata)) {}
  std::shared_ptr<const rd_kafka_consumer_group_metadata_t> raw;
};

/// Consumer on librdkafka. The group's rebalances are only acknowledged; what is fetched is what
/// assign() says. Every assigned partition has a queue of its own, so that one that nobody polls
/// holds up no other.
class KafkaConsumer final : public Consumer, private ClientEvents {
 public:
  /// `admin` is the broker's, and outlives the consumer.
  static Result<std::unique_ptr<Consumer>> create(Conf conf, const ConsumerOptions& options,
                                                  std::shared_ptr<ClientWatch> watch, Admin& admin);
  ~KafkaConsumer() override;
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;

  Status subscribe(const std::vector<std::string>& lead_topics) override;
  Status serve() override;
  const Membership& membership() const override { return membership_; }
  std::shared_ptr<const GroupMetadata> group_metadata() override { return group_metadata_; }
  Status assign(std::span<const PartitionOffset> partitions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Status seek(const TopicPartition& partition, std::int64_t offset) override;
  Status poll(const TopicPartition& partition, const PollLimit& limit, RecordBatch& batch) override;
  std::int64_t position(const TopicPartition& partition) const override;
  std::optional<std::int64_t> high_watermark(const TopicPartition& partition) const override;
  std::size_t queued_bytes() const override;
  void wait(std::chrono::milliseconds timeout) override;
  void wakeup() override;
  Result<std::vector<PartitionOffset>> committed(
      std::span<const TopicPartition> partitions) override;
  Status commit(std::span<const PartitionOffset> offsets) override;
  Status close() override;

 private:
  /// An assigned partition.
  struct Fetched {
    Queue queue;  ///< none after join_anew(): only to be unassigned
    std::int64_t position = 0;
    bool answered = false;        ///< a response to a fetch since assign() or seek() has arrived
    Status failure;               ///< said again until a seek: librdkafka says it only once
    std::deque<Message> waiting;  ///< taken from the queue, did not fit into the last batch
    bool was_full = false;        ///< see refill()
    std::int32_t broker = -1;     ///< the last record came from it
    std::size_t record_bytes = 1024;  ///< average of the last batch, to guess what a queue holds
  };

  KafkaConsumer(Conf conf, const ConsumerOptions& options, std::shared_ptr<ClientWatch> watch,
                Admin& admin);
  const Fetched& fetched(const TopicPartition& partition) const;
  Status connect();
  void disconnect();
  Result<bool> has_rival();
  Status join_anew();
  bool reaches_broker();
  rd_kafka_resp_err_t ask(const std::string& topic, int timeout_ms);
  void learn(const std::string& topic);
  Status start(std::span<const PartitionOffset> partitions);
  Status stop(std::span<const TopicPartition> partitions);
  Status take(const TopicPartition& partition, Fetched& from, Message owned, RecordBatch& batch);
  void refill(Fetched& partition);
  void report(Status status);
  void on_rebalance(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t& partitions) override;
  void on_error(rd_kafka_resp_err_t error, const char* text) override;
  void left();
  void become(std::string id);
  void snapshot_group();

  const Conf conf_;  ///< each client gets a copy
  const ConsumerOptions options_;
  const std::size_t most_records_;  ///< with either of them a queue is full
  const std::size_t most_bytes_;
  const std::shared_ptr<ClientWatch> watch_;
  Admin& admin_;
  int wake_fd_ = -1;  ///< an eventfd: librdkafka's queues and wakeup() write to it
  std::shared_ptr<Client> client_;
  std::shared_ptr<RecordLender> lender_;  ///< of messages
  Queue group_queue_;
  Queue refill_queue_;
  std::map<TopicPartition, Fetched> fetched_;
  std::vector<std::string> topics_;  ///< subscribed
  std::string member_id_;            ///< the last one as a member
  std::set<std::string> learnt_;     ///< topics whose leaders were asked for
  std::vector<rd_kafka_message_t*> batch_;
  bool more_ = false;   ///< a poll() since the last wait() stopped at its limit
  bool poked_ = false;  ///< a request of refill() is under way
  Membership membership_;
  std::uint64_t acquisitions_ = 0;
  std::shared_ptr<const GroupMetadata> group_metadata_;
  Status trouble_;  ///< worst error since the last serve(); kRetry stays until one is reached
  std::chrono::steady_clock::time_point next_look_;  ///< for a connection
  bool assigned_ = false;  ///< the group has given this client an assignment, maybe an empty one
  bool closed_ = false;
};

}  // namespace millrace::kafka
