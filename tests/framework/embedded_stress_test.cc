#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

/// Copies the topic "in" to "out", exactly once, with random aborts and departures.
class Copier {
 public:
  Copier(Broker& broker, int number)
      : broker_(broker), number_(number), random_(static_cast<unsigned>(number)) {}

  void run(const std::atomic<bool>& done) {
    while (!done) {
      ConsumerOptions options;
      options.group_id = "copiers";
      options.session_timeout = 60s;
      consumer_ = std::move(*broker_.consumer(options));
      ProducerOptions producer_options;
      producer_options.transactional_id = "copier-" + std::to_string(number_);
      producer_options.transaction_timeout = 60s;
      producer_ = std::move(*broker_.producer(producer_options));
      ASSERT_OK(consumer_->subscribe({"in"}));
      ASSERT_OK(producer_->init_transactions());
      kept_.clear();
      for (int turns = static_cast<int>(random_() % 200) + 50; turns > 0 && !done; --turns) turn();
      ASSERT_OK(consumer_->close());
    }
  }

 private:
  void turn() {
    ASSERT_OK(consumer_->serve());
    follow_membership();
    if (kept_.empty()) {
      consumer_->wait(1ms);
      return;
    }
    ASSERT_OK(producer_->begin());
    const auto group = consumer_->group_metadata();
    std::vector<PartitionOffset> offsets;
    for (const OwnedPartition& owned : kept_) {
      batch_.reset();
      ASSERT_OK(consumer_->poll(owned.partition, {.records = 50}, batch_));
      for (const RecordView& each : batch_.records())
        ASSERT_OK(producer_->produce(record("out", each.value, {}, owned.partition.partition)));
      offsets.push_back({owned.partition, consumer_->position(owned.partition), {}});
    }
    if (random_() % 8 != 0 && producer_->send_offsets(offsets, *group).ok()) {
      ASSERT_OK(producer_->commit());
      return;
    }
    ASSERT_OK(producer_->abort());
    for (const OwnedPartition& owned : std::exchange(kept_, {}))
      ASSERT_OK(consumer_->unassign({&owned.partition, 1}));
  }

  /// Drops what is not owned any more and starts what is new, at the committed offset.
  void follow_membership() {
    std::vector<OwnedPartition> next;
    for (const OwnedPartition& owned : kept_) {
      if (std::ranges::find(consumer_->membership().owned, owned) !=
          consumer_->membership().owned.end())
        next.push_back(owned);
      else
        ASSERT_OK(consumer_->unassign({&owned.partition, 1}));
    }
    for (const OwnedPartition& owned : consumer_->membership().owned) {
      if (std::ranges::find(next, owned) != next.end()) continue;
      auto committed = consumer_->committed({&owned.partition, 1});
      if (!committed.ok()) continue;  // the former owner's transaction is pending: later
      PartitionOffset start = committed->front();
      start.offset = std::max<std::int64_t>(start.offset, 0);
      ASSERT_OK(consumer_->assign({&start, 1}));
      next.push_back(owned);
    }
    kept_ = std::move(next);
  }

  Broker& broker_;
  const int number_;
  std::mt19937 random_;
  std::unique_ptr<Consumer> consumer_;
  std::unique_ptr<Producer> producer_;
  std::vector<OwnedPartition> kept_;
  RecordBatch batch_;
};

class EmbeddedStressTest : public testing::TestWithParam<bool> {};

TEST_P(EmbeddedStressTest, ThreadsCopyEveryRecordOnceAndInOrder) {
  constexpr int kPartitions = 4;
  constexpr int kRecords = 5'000;  // each partition
  TemporaryDirectory directory;
  SystemClock clock;
  EmbeddedOptions options{
      .directory = GetParam() ? directory.path() : "", .clock = clock, .log = null_log()};
  options.tail_bytes = 16 << 10;
  const auto broker = std::move(*open_embedded_broker(options));
  ASSERT_OK(broker->admin().create_topic({"in", kPartitions, -1, {}}));
  ASSERT_OK(broker->admin().create_topic({"out", kPartitions, -1, {}}));

  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number)
    threads.emplace_back([&, number] { Copier(*broker, number).run(done); });
  threads.emplace_back([&] {
    const auto producer = std::move(*broker->producer({}));
    for (int i = 0; i < kRecords; ++i) {
      for (int partition = 0; partition < kPartitions; ++partition)
        ASSERT_OK(producer->produce(record("in", std::to_string(i), {}, partition)));
      if (i % 100 == 0) ASSERT_OK(producer->flush(1s));
    }
    ASSERT_OK(producer->flush(1s));
  });

  const auto reader = std::move(*broker->consumer({}));
  for (int partition = 0; partition < kPartitions; ++partition) {
    const PartitionOffset start{{"out", partition}, 0, {}};
    ASSERT_OK(reader->assign({&start, 1}));
  }
  std::array<int, kPartitions> next{};
  int copied = 0;
  bool right = true;
  RecordBatch batch;
  while (right && copied < kPartitions * kRecords) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      batch.reset();
      const Status polled = reader->poll({"out", partition}, {}, batch);
      right = right && polled.ok();
      for (const RecordView& each : batch.records()) {
        right = right && each.value == std::to_string(next[static_cast<std::size_t>(partition)]++);
        ++copied;
      }
    }
    reader->wait(100ms);
  }
  EXPECT_TRUE(right) << "a record is missing, doubled or out of place";
  done = true;
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(Modes, EmbeddedStressTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "Directory" : "Memory"; });

TEST(EmbeddedWakeupTest, EndsAWaitUnderWayOrTheNext) {
  SystemClock clock;
  const auto broker =
      std::move(*open_embedded_broker({.directory = {}, .clock = clock, .log = null_log()}));
  const auto consumer = std::move(*broker->consumer({}));
  consumer->wait(0ms);
  std::thread other([&] { consumer->wakeup(); });
  consumer->wait(std::chrono::hours(1));
  other.join();
}

}  // namespace
}  // namespace millrace
