#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reading and writing a topic by hand, as fast as librdkafka does it.
namespace millrace::benchmark {

using Properties = std::vector<std::pair<const char*, const char*>>;

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

using Delivered = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

inline rd_kafka_t* make_client(rd_kafka_type_t type, const Properties& properties,
                               Delivered delivered = nullptr) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> error{};
  for (const auto& [name, value] : properties)
    if (rd_kafka_conf_set(conf, name, value, error.data(), error.size()) != RD_KAFKA_CONF_OK)
      fail(error.data());
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* client = rd_kafka_new(type, conf, error.data(), error.size());
  if (client == nullptr) fail(error.data());
  return client;
}

/// A reader's fastest settings. The queue is so long that the fetcher's pause of 1 s, which
/// librdkafka before 2.2.0 makes when it is full, is never met.
inline Properties reader(const char* bootstrap) {
  return {{"bootstrap.servers", bootstrap},          {"group.id", "raw-records"},
          {"enable.auto.commit", "false"},           {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "true"},          {"check.crcs", "false"},
          {"socket.nagle.disable", "true"},          {"auto.offset.reset", "error"},
          {"queued.min.messages", "1000000"},        {"queued.max.messages.kbytes", "262144"},
          {"fetch.message.max.bytes", "4194304"},    {"fetch.max.bytes", "33554432"},
          {"receive.message.max.bytes", "67108864"}, {"fetch.wait.max.ms", "50"}};
}

inline int partitions_of(rd_kafka_t* client, const char* name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, name, nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, topic, &metadata, 10'000);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_err2str(error));
  const int partitions = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  if (partitions == 0) fail(std::string{"no such topic: "} + name);
  return partitions;
}

/// Hands the records of a topic to `visit(const rd_kafka_message_t&)`, from its beginning on, at
/// most `most` in a row and then `idle()`, in one thread through one queue: no group, no commit.
/// Goes on while `more(partitions at their end, partitions)`.
template <class More, class Visit, class Idle>
void read_while(const char* bootstrap, const char* topic, std::size_t most, More more, Visit visit,
                Idle idle) {
  rd_kafka_t* client = make_client(RD_KAFKA_CONSUMER, reader(bootstrap));
  const int partitions = partitions_of(client, topic);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i)
    rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_poll_set_consumer(client);
  if (const auto error = rd_kafka_assign(client, all); error != RD_KAFKA_RESP_ERR_NO_ERROR)
    fail(rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(all);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(client);
  std::vector<rd_kafka_message_t*> batch(most);
  for (int at_end = 0; more(at_end, partitions);) {
    // The batch call waits for a full batch until its time-out, so it is asked with time-out 0, and
    // then one record is awaited.
    ssize_t taken = rd_kafka_consume_batch_queue(queue, 0, batch.data(), batch.size());
    if (taken <= 0) {
      batch[0] = rd_kafka_consume_queue(queue, 20);
      taken = batch[0] == nullptr ? 0 : 1;
    }
    for (rd_kafka_message_t* message : std::span(batch.data(), static_cast<std::size_t>(taken))) {
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        ++at_end;
      else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(rd_kafka_message_errstr(message));
      else
        visit(*message);
      rd_kafka_message_destroy(message);
    }
    idle();
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
}

/// Hands all records of a topic to `visit`, from its beginning to its end.
template <class Visit>
void read_all(const char* bootstrap, const char* topic, Visit visit) {
  read_while(
      bootstrap, topic, 10'000, [](int at_end, int partitions) { return at_end < partitions; },
      visit, [] {});
}

/// Writes records in order, not transactional.
class Writer {
 public:
  /// `most`: records that may be on their way at once.
  Writer(const char* bootstrap, const char* topic, const char* most = "1000000")
      : client_(make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap},
                                                {"enable.idempotence", "true"},
                                                {"compression.codec", "lz4"},
                                                {"linger.ms", "20"},
                                                {"batch.size", "1000000"},
                                                {"queue.buffering.max.messages", most}})),
        topic_(rd_kafka_topic_new(client_, topic, nullptr)) {}
  ~Writer() {
    if (rd_kafka_flush(client_, 60'000) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("not all was written");
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(client_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write(int partition, std::string_view key, std::string_view value) {
    while (rd_kafka_produce(topic_, partition, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                            value.size(), key.data(), key.size(), nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        fail(rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(client_, 10);
    }
    if (++written_ % 1'000 == 0) rd_kafka_poll(client_, 0);
  }

 private:
  rd_kafka_t* client_;
  rd_kafka_topic_t* topic_;
  std::uint64_t written_ = 0;
};

}  // namespace millrace::benchmark
