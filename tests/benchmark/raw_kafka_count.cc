/// Unique users per minute of a Kafka topic, the fastest loop one would write by hand.
///
///     raw_kafka_count BOOTSTRAP TOPIC
///
/// One thread consumes all partitions from their beginning to their end through one queue: no
/// group, no commit, no output topic. See run_benchmarks.
#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "millrace/tests/benchmark/raw_minute_users.h"

namespace millrace::benchmark {
namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "raw_kafka_count: %s\n", what.c_str());
  std::exit(1);
}

// The queue is so long that the fetcher's pause of 1 s, which librdkafka before 2.2.0 makes when it
// is full, is never met.
rd_kafka_t* connect(const char* bootstrap) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::vector<std::pair<const char*, const char*>> settings = {
      {"bootstrap.servers", bootstrap},          {"group.id", "raw-kafka-count"},
      {"enable.auto.commit", "false"},           {"enable.auto.offset.store", "false"},
      {"enable.partition.eof", "true"},          {"check.crcs", "false"},
      {"socket.nagle.disable", "true"},          {"auto.offset.reset", "error"},
      {"queued.min.messages", "1000000"},        {"queued.max.messages.kbytes", "262144"},
      {"fetch.message.max.bytes", "4194304"},    {"fetch.max.bytes", "33554432"},
      {"receive.message.max.bytes", "67108864"}, {"fetch.wait.max.ms", "50"}};
  std::array<char, 512> error{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, error.data(), error.size()) != RD_KAFKA_CONF_OK) {
      fail(error.data());
    }
  }
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error.data(), error.size());
  if (handle == nullptr) fail(error.data());
  return handle;
}

int partitions_of(rd_kafka_t* handle, const char* name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(handle, name, nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 0, topic, &metadata, 10'000);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(error));
  const int partitions = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  if (partitions == 0) fail(std::string{"no such topic: "} + name);
  return partitions;
}

void assign_from_beginning(rd_kafka_t* handle, const char* topic, int partitions) {
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_poll_set_consumer(handle);
  const rd_kafka_resp_err_t error = rd_kafka_assign(handle, list);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);
}

// The batch call waits for a full batch until its time-out, so it is asked with time-out 0, and
// then one record is awaited.
std::size_t take(rd_kafka_queue_t* queue, std::vector<rd_kafka_message_t*>& batch) {
  const ssize_t count = rd_kafka_consume_batch_queue(queue, 0, batch.data(), batch.size());
  if (count > 0) return static_cast<std::size_t>(count);
  batch[0] = rd_kafka_consume_queue(queue, 100);
  return batch[0] == nullptr ? 0 : 1;
}

// simdjson reads up to SIMDJSON_PADDING bytes past the end. That is harmless unless the payload
// ends just before a page that may not be mapped; only such payloads are copied.
class Frames {
 public:
  void add(const rd_kafka_message_t& message) {
    constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;
    constexpr std::uintptr_t kPage = 4096;
    const auto* data = static_cast<const char*>(message.payload);
    const std::size_t size = message.len;
    ++frames_;
    if ((reinterpret_cast<std::uintptr_t>(data + size) & (kPage - 1)) + kPadding < kPage) {
      users_.add(data, size, size + kPadding);
      return;
    }
    if (copy_.size() < size + kPadding) copy_.resize(2 * (size + kPadding));
    std::memcpy(copy_.data(), data, size);
    users_.add(copy_.data(), size, copy_.size());
  }
  void print() const { users_.print(frames_); }

 private:
  MinuteUsers users_;
  std::uint64_t frames_ = 0;
  std::vector<char> copy_ = std::vector<char>(1 << 16);
};

void count(const char* bootstrap, const char* topic) {
  rd_kafka_t* handle = connect(bootstrap);
  const int partitions = partitions_of(handle, topic);
  assign_from_beginning(handle, topic, partitions);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(handle);
  std::vector<rd_kafka_message_t*> batch(10'000);
  Frames frames;
  for (int at_end = 0; at_end < partitions;) {
    const std::size_t taken = take(queue, batch);
    for (std::size_t i = 0; i < taken; ++i) {
      rd_kafka_message_t* message = batch[i];
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        ++at_end;
      } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(rd_kafka_message_errstr(message));
      } else {
        frames.add(*message);
      }
      rd_kafka_message_destroy(message);
    }
  }
  frames.print();
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(handle);
  rd_kafka_destroy(handle);
}

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: raw_kafka_count BOOTSTRAP TOPIC\n", stderr);
    return 2;
  }
  millrace::benchmark::count(argv[1], argv[2]);
  return 0;
}
