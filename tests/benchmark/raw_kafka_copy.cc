/// Copies a topic to another, the same bytes to the same partition, by hand.
///
///     raw_kafka_copy BOOTSTRAP INPUT OUTPUT transactional|idempotent COMMIT_MS end|stopped
///
/// Transactional: one transaction each COMMIT_MS, with the input's offsets in it. No group: it
/// neither shares the work nor finds out that another has taken over. Ends at the end of the input,
/// or when it is stopped. See run_benchmarks.
#include <algorithm>
#include <chrono>
#include <csignal>

#include "millrace/tests/benchmark/raw_records.h"

namespace millrace::benchmark {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t stopped = 0;

void check(rd_kafka_error_t* error, const char* what) {
  if (error != nullptr) fail(std::string{what} + ": " + rd_kafka_error_string(error));
}

void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_message_errstr(message));
}

class Copy {
 public:
  Copy(const char* bootstrap, const char* input, const char* output, bool transactional,
       std::chrono::milliseconds commit_interval)
      : input_(input), transactional_(transactional), commit_interval_(commit_interval) {
    Properties properties{{"bootstrap.servers", bootstrap},
                          {"enable.idempotence", "true"},
                          {"compression.codec", "lz4"},
                          {"linger.ms", "5"},
                          {"batch.size", "1000000"},
                          {"queue.buffering.max.messages", "2000000"},
                          {"queue.buffering.max.kbytes", "262144"},
                          {"socket.nagle.disable", "true"}};
    if (transactional) properties.emplace_back("transactional.id", output);
    client_ = make_client(RD_KAFKA_PRODUCER, properties, delivered);
    topic_ = rd_kafka_topic_new(client_, output, nullptr);
    // Also so that the first record does not wait for metadata.
    next_.resize(static_cast<std::size_t>(partitions_of(client_, output)), -1);
    group_ = rd_kafka_consumer_group_metadata_new(output);
    if (transactional) check(rd_kafka_init_transactions(client_, 10'000), "init_transactions");
  }
  ~Copy() {
    if (open_) commit();
    if (rd_kafka_flush(client_, 60'000) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("not all was written");
    rd_kafka_consumer_group_metadata_destroy(group_);
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(client_);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  void write(const rd_kafka_message_t& message) {
    if (transactional_ && !open_) {
      check(rd_kafka_begin_transaction(client_), "begin_transaction");
      open_ = true;
      begun_ = Clock::now();
    }
    while (rd_kafka_produce(topic_, message.partition, RD_KAFKA_MSG_F_COPY, message.payload,
                            message.len, message.key, message.key_len, nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        fail(rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(client_, 10);
    }
    next_[static_cast<std::size_t>(message.partition)] = message.offset + 1;
  }

  /// Between two records, or when none has come for a moment.
  void idle() {
    rd_kafka_poll(client_, 0);
    if (open_ && Clock::now() - begun_ >= commit_interval_) commit();
  }

 private:
  void commit() {
    rd_kafka_topic_partition_list_t* offsets =
        rd_kafka_topic_partition_list_new(static_cast<int>(next_.size()));
    for (std::size_t i = 0; i < next_.size(); ++i)
      if (next_[i] >= 0)
        rd_kafka_topic_partition_list_add(offsets, input_, static_cast<int>(i))->offset = next_[i];
    check(rd_kafka_send_offsets_to_transaction(client_, offsets, group_, 10'000), "send_offsets");
    check(rd_kafka_commit_transaction(client_, 30'000), "commit_transaction");
    rd_kafka_topic_partition_list_destroy(offsets);
    open_ = false;
  }

  const char* input_;
  bool transactional_;
  std::chrono::milliseconds commit_interval_;
  rd_kafka_t* client_;
  rd_kafka_topic_t* topic_;
  rd_kafka_consumer_group_metadata_t* group_;
  std::vector<std::int64_t> next_;
  bool open_ = false;
  Clock::time_point begun_;
};

int run(std::span<char*> words) {
  if (words.size() != 7) return std::fputs("usage: see the head of raw_kafka_copy.cc\n", stderr), 2;
  std::signal(SIGTERM, [](int) { stopped = 1; });
  Copy copy(words[1], words[2], words[3], words[4] == std::string_view{"transactional"},
            std::chrono::milliseconds{std::atoi(words[5])});
  const bool to_the_end = words[6] == std::string_view{"end"};
  read_while(
      words[1], words[2], 1'000,
      [&](int at_end, int partitions) { return !stopped && !(to_the_end && at_end == partitions); },
      [&](const rd_kafka_message_t& message) { copy.write(message); }, [&] { copy.idle(); });
  return 0;
}

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  return millrace::benchmark::run({argv, static_cast<std::size_t>(argc)});
}
