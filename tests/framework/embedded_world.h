#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/tests/expect_ok.h"
#include "millrace/tests/temporary_directory.h"

namespace millrace {

/// Time that moves when the test says so. Starts at noon of some day in 2016.
class HandClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_; }
  std::int64_t monotonic_ms() const override { return now_; }
  void advance(std::chrono::milliseconds time) { now_ += time.count(); }

 private:
  std::atomic<std::int64_t> now_ = 1'468'238'400'000;
};

/// An embedded broker with a hand clock and shorthands. In memory unless given a directory.
class EmbeddedWorld {
 public:
  explicit EmbeddedWorld(std::string directory = {}) : directory_(std::move(directory)) { open(); }

  void open() {
    EmbeddedOptions options{.directory = directory_, .clock = clock, .log = null_log()};
    options.blocking_waits = false;
    options.compaction_floor_bytes = compaction_floor_bytes;
    options.tail_bytes = tail_bytes;
    auto opened = open_embedded_broker(options);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    broker = std::move(*opened);
  }
  void close() { broker.reset(); }

  Status topic(const std::string& name, std::int32_t partitions = 1,
               std::map<std::string, std::string> configs = {}) {
    return broker->admin().create_topic({name, partitions, -1, std::move(configs)});
  }
  std::unique_ptr<Producer> plain() { return std::move(*broker->producer({})); }
  /// Registered, ready for begin().
  std::unique_ptr<Producer> transactional(const std::string& id) {
    ProducerOptions options;
    options.transactional_id = id;
    auto producer = std::move(*broker->producer(options));
    EXPECT_OK(producer->init_transactions());
    return producer;
  }
  std::unique_ptr<Consumer> member(const std::string& group, const std::string& instance_id = {}) {
    ConsumerOptions options;
    options.group_id = group;
    options.client_id = "client";
    options.group_instance_id = instance_id;
    return std::move(*broker->consumer(options));
  }
  std::unique_ptr<Consumer> reader(bool read_committed = true) {
    ConsumerOptions options;
    options.read_committed = read_committed;
    return std::move(*broker->consumer(options));
  }
  std::int64_t end(const std::string& name, std::int32_t partition = 0) {
    const TopicPartition asked{name, partition};
    return broker->admin().list_offsets({&asked, 1}, OffsetSpec::kLatest)->front();
  }

  HandClock clock;
  std::size_t compaction_floor_bytes = 1 << 20;
  std::size_t tail_bytes = 512 * 1024;
  std::unique_ptr<Broker> broker;

 private:
  const std::string directory_;
};

inline OutgoingRecord record(std::string_view topic, std::string_view value,
                             std::string_view key = {}, std::int32_t partition = 0) {
  OutgoingRecord out;
  out.topic = topic;
  out.partition = partition;
  out.key = key;
  out.value = value;
  return out;
}

inline Status assign(Consumer& consumer, const std::string& topic, std::int64_t offset = 0) {
  const PartitionOffset start{{topic, 0}, offset, {}};
  return consumer.assign({&start, 1});
}

/// Values that poll() delivers from partition 0 of the topic, until it delivers none.
inline std::vector<std::string> values(Consumer& consumer, const std::string& topic,
                                       PollLimit limit = {}) {
  std::vector<std::string> all;
  RecordBatch batch;
  do {
    batch.reset();
    EXPECT_OK(consumer.poll({topic, 0}, limit, batch));
    for (const RecordView& each : batch.records()) all.emplace_back(each.value);
  } while (!batch.empty());
  return all;
}

/// What a fresh reader sees of partition 0.
inline std::vector<std::string> all_values(EmbeddedWorld& world, const std::string& topic,
                                           bool read_committed = true) {
  const auto consumer = world.reader(read_committed);
  EXPECT_OK(assign(*consumer, topic));
  return values(*consumer, topic);
}

inline Status produce_all(Producer& producer, const std::string& topic,
                          const std::vector<std::string>& payloads) {
  for (const std::string& payload : payloads)
    MILLRACE_RETURN_IF_ERROR(producer.produce(record(topic, payload)));
  return producer.flush(std::chrono::seconds(1));
}

}  // namespace millrace
