/// Sorted partitions of decimal integers into one sorted partition, the fastest loop one would
/// write by hand.
///
///     raw_kafka_merge BOOTSTRAP IN OUT
///
/// One thread, a loser tree over partition queues, an idempotent producer: no group, no offsets, no
/// transactions; killed, it begins anew. Its queues are as long as a memory limit of 300 MB lets
/// them be. See run_benchmarks.
#include <charconv>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "millrace/operators/loser_tree.h"
#include "millrace/tests/benchmark/raw_records.h"

namespace millrace::benchmark {
namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

/// One partition: its own queue, taken a thousand records at a time.
class Input {
 public:
  Input(rd_kafka_t* client, const char* topic, int partition)
      : queue_(rd_kafka_queue_get_partition(client, topic, partition)), batch_(1'000) {
    rd_kafka_queue_forward(queue_, nullptr);  // before assign: nothing may reach the merged queue
  }
  ~Input() { rd_kafka_queue_destroy(queue_); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  std::int64_t key() const { return key_; }
  std::string_view value() const { return {static_cast<const char*>(head_->payload), head_->len}; }
  void advance() {
    if (head_ != nullptr) rd_kafka_message_destroy(head_);
    head_ = nullptr;
    if (next_ == taken_) take();
    head_ = batch_[next_++];
    if (head_->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      rd_kafka_message_destroy(head_);
      head_ = nullptr;
      key_ = kEnd;
      return;
    }
    if (head_->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_message_errstr(head_));
    const auto [behind, error] =
        std::from_chars(value().data(), value().data() + value().size(), key_);
    if (error != std::errc() || behind != value().data() + value().size()) fail("not an integer");
  }

 private:
  /// The batch call waits for a full batch until its time-out, so it is asked with time-out 0, and
  /// then one record is awaited.
  void take() {
    next_ = taken_ = 0;
    while (taken_ == 0) {
      const ssize_t count = rd_kafka_consume_batch_queue(queue_, 0, batch_.data(), batch_.size());
      taken_ = count > 0 ? static_cast<std::size_t>(count) : 0;
      if (taken_ == 0 && (batch_[0] = rd_kafka_consume_queue(queue_, 100)) != nullptr) taken_ = 1;
    }
  }

  rd_kafka_queue_t* queue_;
  std::vector<rd_kafka_message_t*> batch_;
  std::size_t taken_ = 0;
  std::size_t next_ = 0;
  rd_kafka_message_t* head_ = nullptr;
  std::int64_t key_ = 0;
};

void merge(const char* bootstrap, const char* in, const char* out) {
  Properties properties = reader(bootstrap);
  for (auto& [name, value] : properties) {  // small records take far more memory than their bytes
    if (std::string_view(name) == "queued.min.messages") value = "32768";
    if (std::string_view(name) == "fetch.message.max.bytes") value = "262144";
  }
  rd_kafka_t* client = make_client(RD_KAFKA_CONSUMER, properties);
  const int partitions = partitions_of(client, in);
  rd_kafka_poll_set_consumer(client);
  {
    std::vector<std::unique_ptr<Input>> inputs;
    rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; ++i) {
      inputs.push_back(std::make_unique<Input>(client, in, i));
      rd_kafka_topic_partition_list_add(all, in, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    if (const auto error = rd_kafka_assign(client, all); error != RD_KAFKA_RESP_ERR_NO_ERROR)
      fail(rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_destroy(all);
    for (const auto& input : inputs) input->advance();
    const auto beats = [&](std::size_t a, std::size_t b) {
      return inputs[a]->key() != inputs[b]->key() ? inputs[a]->key() < inputs[b]->key() : a < b;
    };
    LoserTree tree;
    tree.build(inputs.size(), beats);
    Writer writer(bootstrap, out, "200000");
    for (std::uint64_t records = 0; inputs[tree.winner()]->key() != kEnd; ++records) {
      writer.write(0, {}, inputs[tree.winner()]->value());
      inputs[tree.winner()]->advance();
      tree.replay(beats);
      if (records % 10'000 == 0)  // the group's queue: errors
        if (rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 0))
          rd_kafka_message_destroy(message);
    }
  }
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
}

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: raw_kafka_merge BOOTSTRAP IN OUT\n", stderr);
    return 2;
  }
  millrace::benchmark::merge(argv[1], argv[2], argv[3]);
  return 0;
}
