#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/framework/kafka/kafka_broker.h"
#include "millrace/framework/log.h"

/// What every contract test starts from: a broker of each kind, and the few verbs that the tests
/// are written in.
namespace millrace::contract {

using namespace std::chrono_literals;

/// Only ends a hang.
inline constexpr auto kDeadline = 90s;
/// Kafka's smallest (group.min.session.timeout.ms).
inline constexpr auto kSession = 6s;

enum class Kind { kMemory, kDirectory, kKafka };

inline const char* kafka_address() { return std::getenv("MILLRACE_TEST_KAFKA"); }

inline std::vector<Kind> kinds() {
  std::vector<Kind> all{Kind::kMemory, Kind::kDirectory};
  if (kafka_address() != nullptr) all.push_back(Kind::kKafka);
  return all;
}

inline std::string kind_name(const testing::TestParamInfo<Kind>& info) {
  switch (info.param) {
    case Kind::kMemory:
      return "EmbeddedMemory";
    case Kind::kDirectory:
      return "EmbeddedDirectory";
    case Kind::kKafka:
      return "Kafka";
  }
  return "";
}

/// A name that no other test, run or process uses.
inline std::string unique(const std::string& prefix) {
  static std::atomic<int> counter{0};
  static const std::string run =
      std::to_string(::getpid()) + "-" + std::to_string(SystemClock{}.wall_ms());
  return prefix + "-" + run + "-" + std::to_string(++counter);
}

inline bool operator==(const Header& a, const Header& b) {
  return a.name == b.name && a.value == b.value;
}

/// A consumed record that owns its bytes.
struct Consumed {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::string>> headers;

  explicit Consumed(const RecordView& record)
      : offset(record.offset), timestamp_ms(record.timestamp_ms) {
    if (record.has_key()) key = record.key;
    if (record.has_value()) value = record.value;
    for (const Header& header : record.headers) headers.emplace_back(header.name, header.value);
  }
};

inline std::vector<std::string> values(const std::vector<Consumed>& records) {
  std::vector<std::string> all;
  for (const Consumed& record : records) all.push_back(record.value.value_or("(null)"));
  return all;
}

MATCHER_P(HasCode, code, "") {
  *result_listener << "code " << static_cast<int>(arg.code()) << ": " << arg.message();
  return arg.code() == code;
}
MATCHER(IsOk, "") {
  *result_listener << arg.message();
  return arg.ok();
}

class BrokerContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kKafka) {
      open_kafka();
    } else {
      if (GetParam() == Kind::kDirectory)
        directory_ = std::filesystem::temp_directory_path() / unique("millrace-contract");
      open_embedded();
    }
  }
  void TearDown() override {
    broker_ = nullptr;
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  Broker& broker() { return *broker_; }
  Admin& admin() { return broker_->admin(); }

  std::string topic(std::int32_t partitions = 1, std::map<std::string, std::string> configs = {}) {
    const std::string name = unique("topic");
    EXPECT_THAT(admin().create_topic({name, partitions, -1, std::move(configs)}), IsOk());
    return name;
  }

  std::unique_ptr<Consumer> consumer(const std::string& group = {},
                                     const std::string& instance = {}, bool read_committed = true) {
    ConsumerOptions options;
    options.group_id = group;
    options.client_id = "contract";
    options.group_instance_id = instance;
    options.read_committed = read_committed;
    options.session_timeout = kSession;
    auto made = broker_->consumer(options);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  std::unique_ptr<Producer> producer(const std::string& transactional_id = {},
                                     std::chrono::milliseconds transaction_timeout = 60s) {
    ProducerOptions options;
    options.client_id = "contract";
    options.transactional_id = transactional_id;
    options.transaction_timeout = transaction_timeout;
    auto made = broker_->producer(options);
    EXPECT_TRUE(made.ok()) << made.status().message();
    if (!transactional_id.empty()) {
      EXPECT_THAT(retried([&] { return (*made)->init_transactions(); }), IsOk());
    }
    return std::move(*made);
  }

  /// The outcome of `call` when it is no longer kRetry.
  static Status retried(const std::function<Status()>& call) {
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    Status status = call();
    while (status.code() == StatusCode::kRetry && std::chrono::steady_clock::now() < end)
      status = call();
    return status;
  }

  /// Turns the crank of all consumers until `done`; false when the deadline has passed.
  static bool served_until(const std::vector<Consumer*>& consumers,
                           const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (std::chrono::steady_clock::now() < end) {
      for (Consumer* each : consumers) {
        const Status status = each->serve();
        EXPECT_TRUE(status.ok() || status.code() == StatusCode::kRetry) << status.message();
      }
      if (done()) return true;
      consumers.front()->wait(5ms);
    }
    return false;
  }

  static void send(Producer& to, const std::string& topic, std::int32_t partition,
                   std::string_view value) {
    EXPECT_THAT(retried([&] { return to.produce({topic, partition, {}, value, 1, {}}); }), IsOk());
  }
  static void flush(Producer& to) {
    EXPECT_THAT(retried([&] { return to.flush(10s); }), IsOk());
  }
  /// A transaction with these values.
  static void commit_values(Producer& to, const std::string& topic,
                            const std::vector<std::string>& values) {
    EXPECT_THAT(to.begin(), IsOk());
    for (const std::string& value : values) send(to, topic, 0, value);
    EXPECT_THAT(retried([&] { return to.commit(); }), IsOk());
  }

  /// Serves and polls, as a stream thread does, until `done` and returns what came.
  static std::vector<Consumed> read(Consumer& from, const TopicPartition& partition,
                                    const std::function<bool(const std::vector<Consumed>&)>& done) {
    std::vector<Consumed> all;
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (std::chrono::steady_clock::now() < end) {
      RecordBatch batch;
      for (const Status& status : {from.serve(), from.poll(partition, {}, batch)})
        EXPECT_TRUE(status.ok() || status.code() == StatusCode::kRetry) << status.message();
      for (const RecordView& record : batch.records()) all.emplace_back(record);
      if (done(all)) return all;
      if (batch.empty()) from.wait(50ms);
    }
    ADD_FAILURE() << "nothing more after " << all.size() << " records of " << partition.topic
                  << ", position " << from.position(partition);
    return all;
  }
  static std::vector<Consumed> read(Consumer& from, const TopicPartition& partition,
                                    std::size_t count) {
    return read(from, partition,
                [count](const std::vector<Consumed>& all) { return all.size() >= count; });
  }
  /// All up to the high watermark.
  static std::vector<Consumed> read_to_end(Consumer& from, const TopicPartition& partition) {
    return read(from, partition, [&](const std::vector<Consumed>&) {
      const auto end = from.high_watermark(partition);
      return end && from.position(partition) >= *end;
    });
  }
  static void assign(Consumer& to, const TopicPartition& partition, std::int64_t offset = 0) {
    const PartitionOffset start{partition, offset, {}};
    EXPECT_THAT(to.assign({&start, 1}), IsOk());
  }
  std::vector<Consumed> read_all(const TopicPartition& partition, bool read_committed = true) {
    auto reader = consumer({}, {}, read_committed);
    assign(*reader, partition);
    return read_to_end(*reader, partition);
  }

  static std::vector<TopicPartition> owned(const Consumer& of) {
    std::vector<TopicPartition> all;
    for (const OwnedPartition& each : of.membership().owned) all.push_back(each.partition);
    return all;
  }
  /// A member that is alone and owns `partitions` partitions.
  std::unique_ptr<Consumer> member(const std::string& group, const std::string& topic,
                                   std::size_t partitions, const std::string& instance = {}) {
    auto made = consumer(group, instance);
    EXPECT_THAT(made->subscribe({topic}), IsOk());
    EXPECT_TRUE(
        served_until({made.get()}, [&] { return made->membership().owned.size() == partitions; }));
    return made;
  }

  void open_embedded() {
    auto opened = open_embedded_broker({directory_.string(), clock_, null_log()});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    broker_ = std::move(*opened);
  }
  void open_kafka() {
    auto opened = open_kafka_broker({kafka_address(), {}, clock_, null_log()});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    broker_ = std::move(*opened);
  }

  SystemClock clock_;
  std::filesystem::path directory_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace millrace::contract
