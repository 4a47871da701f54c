#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/millrace.h"
#include "millrace/operators/query.h"
#include "millrace/state/memory_task_state.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""s;

constexpr int kTasks = 5;  // one reads and four count: of two instances each counts
constexpr int kKeys = 100;

struct Silent {
  using value_type = Keyed<std::string, std::int64_t>;
  void encode(const value_type&, std::string& out) const { out += '.'; }
  std::string describe() const { return "silent"; }
};

/// Instances of one application with addresses, on one embedded broker.
class ApplicationQueryTest : public testing::Test {
 protected:
  ApplicationQueryTest() {
    auto broker = open_embedded_broker({.directory = {}, .clock = clock_, .log = null_log()});
    EXPECT_TRUE(broker.ok());
    broker_ = std::move(*broker);
    EXPECT_TRUE(broker_->admin().create_topic({"in", 1, -1, {}}).ok());
    producer_ =
        *broker_->producer({.client_id = "test", .transactional_id = {}, .compression = {}});
    write(1);
  }
  void write(int times) {
    for (int i = 0; i < times * kKeys; ++i)
      EXPECT_TRUE(
          producer_
              ->produce({.topic = "in", .partition = 0, .value = fmt::format("key {}", i % kKeys)})
              .ok());
    EXPECT_TRUE(producer_->flush(10s).ok());
  }
  std::unique_ptr<Application> instance(const std::string& name) {
    TopologyBuilder topology{"app"};
    topology.source("in", text()) | map([](std::string_view line) { return std::string(line); }) |
        key_by([](const std::string& line) { return line; }) | through("by-line", kTasks - 1) |
        count("lines") | to("out", Silent());
    ApplicationConfig config;
    config.instance_id = name;
    config.commit_interval = std::chrono::milliseconds(10);
    config.advertised_address = name + ":80";
    auto built = topology.build();
    EXPECT_TRUE(built.ok()) << built.status().message();
    return std::make_unique<Application>(Application::Options{.topology = std::move(*built),
                                                              .config = config,
                                                              .broker = *broker_,
                                                              .state_factory = memory_task_state,
                                                              .clock = clock_,
                                                              .log = null_log(),
                                                              .on_state = {}});
  }
  static std::string key(int i) { return fmt::format("key {}", i); }

  SystemClock clock_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(ApplicationQueryTest, NamesTheInstanceThatHasTheKey) {
  const auto a = instance("a");
  EXPECT_EQ((query<std::string, std::int64_t>(*a, "lines").get("x").status().code()),
            StatusCode::kRetry);
  ASSERT_TRUE(a->start().ok());
  const auto b = instance("b");
  ASSERT_TRUE(b->start().ok());
  const auto in_a = query<std::string, std::int64_t>(*a, "lines");
  const auto in_b = query<std::string, std::int64_t>(*b, "lines");
  // Each key is in one of them, the other knows in which, and so for all keys.
  const auto settled = [&] {
    int here = 0, there = 0;
    for (int i = 0; i < kKeys; ++i) {
      const auto from_a = in_a.get(key(i));
      const auto from_b = in_b.get(key(i));
      if (from_a.ok() == from_b.ok()) return false;
      if ((from_a.ok() ? *from_a : *from_b) != 1) return false;
      const Status& other = from_a.ok() ? from_b.status() : from_a.status();
      const std::string who = from_a.ok() ? "instance 'a' at a:80" : "instance 'b' at b:80";
      if (other.code() != StatusCode::kElsewhere) return false;
      if (other.message().find(who) == std::string::npos) return false;
      ++(from_a.ok() ? here : there);
    }
    return here > 0 && there > 0;
  };
  while (!settled()) ASSERT_FALSE(a->wait_for(std::chrono::milliseconds(10)));
  const auto owner = in_a.owner(key(0));
  ASSERT_TRUE(owner.ok());
  EXPECT_EQ(owner->address, owner->instance + ":80");

  ASSERT_TRUE(b->stop(60s).ok());
  const auto taken = [&] {
    for (int i = 0; i < kKeys; ++i)
      if (const auto count = in_a.get(key(i)); !count.ok() || *count != 1) return false;
    return true;
  };
  while (!taken()) ASSERT_FALSE(a->wait_for(std::chrono::milliseconds(10)));
  ASSERT_TRUE(a->stop(60s).ok());
}

TEST_F(ApplicationQueryTest, AnInstanceThatIsGoneTakesItsWordBack) {
  {
    const auto a = instance("a");
    ASSERT_TRUE(a->start().ok());
    while (a->owners().size() < kTasks) ASSERT_FALSE(a->wait_for(std::chrono::milliseconds(10)));
    EXPECT_EQ(a->owners().begin()->second.instance, "a");
    ASSERT_TRUE(a->stop(60s).ok());
  }
  auto consumer = *broker_->consumer({});
  const PartitionOffset start{{instances_topic("app"), 0}, 0, {}};
  ASSERT_TRUE(consumer->assign({&start, 1}).ok());
  RecordBatch batch;
  ASSERT_TRUE(consumer->poll(start.partition, {}, batch).ok());
  ASSERT_FALSE(batch.empty());
  EXPECT_EQ(batch.records().back().key, "a");
  EXPECT_FALSE(batch.records().back().has_value());
  const auto configs = broker_->admin().topic_configs(instances_topic("app"));
  ASSERT_TRUE(configs.ok());
  EXPECT_EQ(configs->at("cleanup.policy"), "compact");
}

/// Counts only grow, and never by halves, whoever has the tasks.
TEST_F(ApplicationQueryTest, AnswersWhileTasksComeAndGo) {
  const auto a = instance("a");
  ASSERT_TRUE(a->start().ok());
  std::atomic<bool> done{false};
  std::atomic<int> answers{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader)
    readers.emplace_back([&, reader] {
      const auto lines = query<std::string, std::int64_t>(*a, "lines");
      std::int64_t last = 0;
      while (!done) {
        const auto count = lines.get(key(reader));
        if (count.ok()) {
          EXPECT_GE(count->value_or(0), last);
          last = std::max(last, count->value_or(0));
          ++answers;
        } else {
          EXPECT_THAT(count.status().code(),
                      testing::AnyOf(StatusCode::kRetry, StatusCode::kElsewhere))
              << count.status().message();
        }
        static_cast<void>(lines.each(kKeys, [](auto&&...) {}));
      }
    });
  for (int round = 0; round < 3; ++round) {
    const auto b = instance("b");
    ASSERT_TRUE(b->start().ok());
    write(20);
    while (b->status().threads.front()->tasks.empty())
      ASSERT_FALSE(b->wait_for(std::chrono::milliseconds(1)));
    ASSERT_TRUE(b->stop(60s).ok());
  }
  const auto lines = query<std::string, std::int64_t>(*a, "lines");
  const auto all = [&] {
    for (int i = 0; i < kKeys; ++i)
      if (const auto count = lines.get(key(i)); !count.ok() || *count != 61) return false;
    return true;
  };
  while (!all()) ASSERT_FALSE(a->wait_for(std::chrono::milliseconds(10)));
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(answers, 0);
  ASSERT_TRUE(a->stop(60s).ok());
  EXPECT_EQ(lines.get(key(0)).status().code(), StatusCode::kElsewhere);
}

}  // namespace
}  // namespace millrace
