#include "millrace/framework/application.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/millrace.h"
#include "millrace/state/memory_task_state.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

constexpr int kPartitions = 4;
constexpr int kVisits = 6'000;

struct Visit {
  std::chrono::sys_seconds time;
  std::string_view user;
};

/// "1468244385 u7".
class VisitCodec {
 public:
  using value_type = Visit;
  DecodeOutcome decode(const RecordView& record, Arena&, Visit& visit) const {
    std::int64_t seconds = 0;
    const char* const end = record.value.data() + record.value.size();
    const auto [rest, error] = std::from_chars(record.value.data(), end, seconds);
    if (error != std::errc()) return {RecordError::kMalformed, {}};
    visit = {std::chrono::sys_seconds(std::chrono::seconds(seconds)), {rest + 1, end}};
    return {};
  }
  std::string describe() const { return "visit"; }
};

/// "<window start>: <users> of <visits>".
class LineCodec {
 public:
  using value_type = WindowStats;
  void encode(const WindowStats& stats, std::string& out) const {
    out += fmt::format("{}: {} of {}", stats.window.start_ms / 1000, stats.users, stats.frames);
  }
  std::string describe() const { return "line"; }
};

Result<Topology> visits(std::int32_t shards) {
  TopologyBuilder topology{"visits"};
  topology.source("in", VisitCodec()) | event_time(&Visit::time, lateness(5s)) |
      windows({tumbling(1min)}) |
      distinct_count("users", &Visit::user, DistinctOptions{.shards = shards}) |
      to("out", LineCodec());
  return topology.build();
}

/// Real threads and clocks on one embedded broker: what several processes do on Kafka.
class ApplicationTest : public testing::Test {
 protected:
  ApplicationTest() {
    auto broker = open_embedded_broker({.directory = {}, .clock = clock_, .log = null_log()});
    EXPECT_TRUE(broker.ok());
    broker_ = std::move(*broker);
    EXPECT_TRUE(broker_->admin().create_topic({"in", kPartitions, -1, {}}).ok());
    auto producer =
        broker_->producer({.client_id = "test", .transactional_id = {}, .compression = {}});
    EXPECT_TRUE(producer.ok());
    std::map<std::int64_t, std::pair<std::set<int>, int>> minutes;
    for (int i = 0; i < kVisits; ++i) {
      const std::int64_t second = 1'468'244'340 + i / 20;
      const int user = i * 7919 % 613;
      auto& [users, count] = minutes[second / 60 * 60];
      users.insert(user);
      ++count;
      const std::string value = fmt::format("{} u{}", second, user);
      EXPECT_TRUE(
          (*producer)->produce({.topic = "in", .partition = i % kPartitions, .value = value}).ok());
    }
    EXPECT_TRUE((*producer)->flush(10s).ok());
    for (const auto& [start, minute] : minutes)
      expected_.push_back(fmt::format("{}: {} of {}", start, minute.first.size(), minute.second));
  }

  std::unique_ptr<Application> instance(const std::string& name, int threads, std::int32_t shards) {
    auto topology = visits(shards);
    EXPECT_TRUE(topology.ok());
    return instance(name, threads, std::move(*topology), shards);
  }
  std::unique_ptr<Application> instance(const std::string& name, int threads, Topology topology,
                                        std::int32_t shards) {
    ApplicationConfig config;
    config.application_id = fmt::format("app-{}", shards);
    config.instance_id = name;
    config.threads = threads;
    config.until_end = until_end_;
    config.commit_interval = std::chrono::milliseconds(10);
    return std::make_unique<Application>(Application::Options{.topology = std::move(topology),
                                                              .config = config,
                                                              .broker = *broker_,
                                                              .state_factory = memory_task_state,
                                                              .clock = clock_,
                                                              .log = *log_,
                                                              .on_state = {}});
  }

  std::vector<std::string> output() {
    auto consumer = broker_->consumer({});
    EXPECT_TRUE(consumer.ok());
    const TopicPartition partition{"out", 0};
    const auto end = broker_->admin().list_offsets({&partition, 1}, OffsetSpec::kLatest);
    EXPECT_TRUE(end.ok());
    const PartitionOffset start{partition, 0, {}};
    EXPECT_TRUE((*consumer)->assign({&start, 1}).ok());
    std::vector<std::string> lines;
    RecordBatch batch;
    while ((*consumer)->position(partition) < end->front()) {
      batch.reset();
      EXPECT_TRUE((*consumer)->poll(partition, {}, batch).ok());
      for (const RecordView& record : batch.records()) lines.emplace_back(record.value);
    }
    return lines;
  }

  bool until_end_ = true;
  LogSink* log_ = &null_log();
  SystemClock clock_;
  std::unique_ptr<Broker> broker_;
  std::vector<std::string> expected_;
};

TEST_F(ApplicationTest, TwoThreadsCountAsOne) {
  auto application = instance("a", 2, 1);
  ASSERT_TRUE(application->start().ok());
  EXPECT_TRUE(application->wait().ok());
  EXPECT_EQ(application->status().state, ApplicationState::kStopped);
  EXPECT_THAT(output(), testing::ElementsAreArray(expected_));
}

TEST_F(ApplicationTest, TellsOfItselfWhileItRuns) {
  until_end_ = false;
  const auto application = instance("a", 2, 1);
  EXPECT_THAT(application->status().threads, testing::IsEmpty());
  ASSERT_TRUE(application->start().ok());
  RunCounters counters;
  std::map<TopicPartition, PartitionStatus> partitions;
  const auto through = [&] {
    counters = {};
    partitions.clear();
    bool settled = true;  // what moves may be seen twice
    for (const auto& thread : application->status().threads) {
      counters.add(thread->counters);
      settled = settled && thread->joined;
      for (const TaskStatus& task : thread->tasks)
        for (const PartitionStatus& partition : task.partitions)
          settled = partitions.emplace(partition.partition, partition).second &&
                    partition.lag() == 0 && settled;
    }
    return settled && counters.accepted == kVisits;
  };
  while (!through()) ASSERT_FALSE(application->wait_for(std::chrono::milliseconds(1)));
  std::int64_t committed = 0;
  for (int i = 0; i < kPartitions; ++i) {
    const PartitionStatus& partition = partitions.at({"in", i});
    EXPECT_EQ(partition.high_watermark, partition.committed);
    EXPECT_EQ(partition.watermark_ms, partition.highest_ms - 5'000);
    committed += partition.committed;
  }
  EXPECT_EQ(committed, kVisits);
  EXPECT_TRUE(application->stop(60s).ok());
  for (const auto& thread : application->status().threads) {
    EXPECT_FALSE(thread->joined);
    EXPECT_THAT(thread->tasks, testing::IsEmpty());
  }
}

TEST_F(ApplicationTest, TwoInstancesShareTheWorkAndTheShards) {
  auto first = instance("a", 1, 3);
  auto second = instance("b", 2, 3);
  ASSERT_TRUE(first->start().ok());
  ASSERT_TRUE(second->start().ok());
  EXPECT_TRUE(first->wait().ok());
  EXPECT_TRUE(second->wait().ok());
  EXPECT_THAT(output(), testing::ElementsAreArray(expected_));
  const auto counters = first->committed_counters();
  ASSERT_TRUE(counters.ok());
  EXPECT_EQ(counters->accepted, std::uint64_t{kVisits});
}

TEST_F(ApplicationTest, AnInstanceThatStopsInMidRunLosesNothing) {
  auto first = instance("a", 2, 1);
  auto second = instance("b", 1, 1);
  ASSERT_TRUE(first->start().ok());
  ASSERT_TRUE(second->start().ok());
  EXPECT_TRUE(first->stop(60s).ok());
  EXPECT_TRUE(second->wait().ok());
  EXPECT_THAT(output(), testing::ElementsAreArray(expected_));
}

TEST_F(ApplicationTest, AnotherTopologyOverCommittedOffsetsIsRefused) {
  auto first = instance("a", 1, 1);
  ASSERT_TRUE(first->start().ok());
  ASSERT_TRUE(first->wait().ok());
  TopologyBuilder other{"visits"};
  other.source("in", VisitCodec()) | event_time(&Visit::time, lateness(5s)) |
      windows({tumbling(2min)}) | distinct_count("users", &Visit::user) | to("out", LineCodec());
  const auto second = instance("b", 1, *other.build(), 1);
  const Status refused = second->start();
  EXPECT_EQ(refused.code(), StatusCode::kFailed);
  EXPECT_THAT(refused.message(), testing::HasSubstr("another topology"));
}

/// Calls a function when a start has to wait.
class OnWait final : public LogSink {
 public:
  explicit OnWait(std::function<void()> then) : then_(std::move(then)) {}
  void write(LogLevel, std::string_view text, std::initializer_list<LogField>) override {
    if (text == "cannot start yet, trying again") then_();
  }

 private:
  std::function<void()> then_;
};

/// Another's transaction is open, with offsets of the group: nobody can tell what is committed.
class BlockedStart : public ApplicationTest {
 protected:
  BlockedStart() {
    ConsumerOptions options;
    options.group_id = "app-1";
    auto member = *broker_->consumer(options);
    EXPECT_TRUE(member->subscribe({"in"}).ok());
    while (!member->membership().joined) EXPECT_TRUE(member->serve().ok());
    blocker_ =
        *broker_->producer({.client_id = "test", .transactional_id = "other", .compression = {}});
    EXPECT_TRUE(blocker_->init_transactions().ok());
    EXPECT_TRUE(blocker_->begin().ok());
    const PartitionOffset offset{{"in", 0}, 0, {}};
    EXPECT_TRUE(blocker_->send_offsets({&offset, 1}, *member->group_metadata()).ok());
    EXPECT_TRUE(member->close().ok());
  }

  std::unique_ptr<Producer> blocker_;
};

TEST_F(BlockedStart, IsTriedAgain) {
  OnWait log([this] { EXPECT_TRUE(blocker_->abort().ok()); });
  log_ = &log;
  const auto application = instance("a", 1, 1);
  const Status started = application->start();
  ASSERT_TRUE(started.ok()) << started.message();
  ASSERT_TRUE(application->wait().ok());
  EXPECT_EQ(output(), expected_);
}

TEST_F(BlockedStart, EndsWhenItIsAskedTo) {
  std::unique_ptr<Application> application;
  OnWait log([&] { application->request_stop(); });
  log_ = &log;
  application = instance("a", 1, 1);
  EXPECT_EQ(application->start().code(), StatusCode::kRetry);
}

TEST_F(ApplicationTest, ATopicThatWouldFeedItselfIsRefused) {
  TopologyBuilder loop{"loop"};
  loop.source("in", text()) | to("in", text());
  EXPECT_EQ(instance("a", 1, *loop.build(), 1)->start().code(), StatusCode::kInvalid);
}

}  // namespace
}  // namespace millrace
