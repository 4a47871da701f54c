#include "millrace/operators/aggregate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct Order {
  std::string customer;
  std::int64_t cents = 0;
};
auto millrace_fields(const Order*) { return fields<Order>(&Order::customer, &Order::cents); }

struct Total {
  std::int64_t cents = 0;
  std::int32_t orders = 0;
};
auto millrace_fields(const Total*) { return fields<Total>(&Total::cents, &Total::orders); }

auto orders() {
  return json<Order>(field("customer", &Order::customer), field("cents", &Order::cents));
}
InputRecord order(const std::string& customer, std::int64_t cents, std::int32_t partition = 0) {
  return {.value = fmt::format(R"({{"customer":"{}","cents":{}}})", customer, cents),
          .partition = partition};
}

/// "<key> <value>".
template <class K, class V>
struct Pair {
  using value_type = Keyed<K, V>;
  void encode(const value_type& result, std::string& out) const {
    if constexpr (std::same_as<V, Total>)
      out += fmt::format("{} {} in {}", result.key, result.value.cents, result.value.orders);
    else if constexpr (std::same_as<V, std::optional<std::int64_t>>)
      out += fmt::format("{} {}", result.key, result.value ? std::to_string(*result.value) : "-");
    else if constexpr (std::same_as<V, Order>)
      out += fmt::format("{} {}", result.key, result.value.cents);
    else
      out += fmt::format("{} {}", result.key, result.value);
  }
  std::string describe() const { return "pair"; }
};

class AggregateTest : public testing::Test {
 protected:
  void start(Result<Topology> topology, std::int32_t partitions = 1) {
    ASSERT_TRUE(topology.ok()) << topology.status().message();
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = std::move(*topology), .partitions = {{"in", partitions}}});
  }
  void run(const std::vector<InputRecord>& input) {
    for (const InputRecord& record : input) driver_->pipe_input("in", record);
    driver_->run_until_idle();
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  }
  std::vector<std::string> out() const { return driver_->values("out"); }
  bool exists(const std::string& topic) const {
    return driver_->broker().admin().describe_topic(topic).ok();
  }

  std::unique_ptr<TopologyTestDriver> driver_;
};

Result<Topology> counts() {
  TopologyBuilder topology{"shop"};
  topology.source("in", orders()) | key_by(&Order::customer) | count("orders-per-customer") |
      to("out", Pair<std::string, std::int64_t>());
  return topology.build();
}

TEST_F(AggregateTest, CountsTheRecordsOfEachKeyFromAllPartitions) {
  start(counts(), 2);
  run({order("ann", 1), order("bob", 2, 1), order("ann", 3, 1), order("ann", 4)});
  EXPECT_THAT(out(), UnorderedElementsAre("ann 1", "ann 2", "ann 3", "bob 1"));
  EXPECT_TRUE(exists("shop-orders-per-customer-repartition"));
}

TEST_F(AggregateTest, FoldsValuesFromTheInitialOneOn) {
  TopologyBuilder topology{"shop"};
  topology.source("in", orders()) | key_by(&Order::customer) |
      aggregate("totals", Total{.cents = 1000},
                [](Total& total, const Order& order) {
                  total.cents += order.cents;
                  ++total.orders;
                }) |
      to("out", Pair<std::string, Total>());
  start(topology.build());
  run({order("ann", 5), order("bob", 7), order("ann", 1)});
  EXPECT_THAT(out(), ElementsAre("ann 1005 in 1", "bob 1007 in 1", "ann 1006 in 2"));
}

TEST_F(AggregateTest, ReducesToOneOfTheValuesBeginningWithTheFirst) {
  TopologyBuilder topology{"shop"};
  topology.source("in", orders()) | key_by(&Order::customer) |
      reduce("largest", [](const Order& a, const Order& b) { return a.cents < b.cents ? b : a; }) |
      to("out", Pair<std::string, Order>());
  start(topology.build());
  run({order("ann", 5), order("ann", 3), order("ann", 9)});
  EXPECT_THAT(out(), ElementsAre("ann 5", "ann 5", "ann 9"));
}

TEST_F(AggregateTest, GoesOnWhereACrashedInstanceHadCommitted) {
  start(counts(), 2);
  run({order("ann", 1), order("bob", 2, 1)});
  driver_->crash_instance("instance-1");
  driver_->advance(30s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  run({order("ann", 1, 1), order("bob", 2)});
  EXPECT_THAT(out(), UnorderedElementsAre("ann 1", "bob 1", "ann 2", "bob 2"));
}

TEST_F(AggregateTest, TakesBackWhatWasAborted) {
  start(counts());
  run({order("ann", 1)});
  driver_->pipe_input("in", order("ann", 2));
  for (int i = 0; i < 5; ++i) driver_->turn("instance-1");  // read, and not committed
  driver_->disturb();
  run({order("ann", 3)});
  EXPECT_THAT(out(), ElementsAre("ann 1", "ann 2", "ann 3"));
}

TEST_F(AggregateTest, IsCutOnlyBehindAChangeOfTheKey) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) | filter([](std::int64_t n) { return n > 0; }) |
      count("numbers") | to("out", Pair<std::string, std::int64_t>());
  start(topology.build());
  run({{.key = "a", .value = "1"}, {.key = "b", .value = "2"}, {.key = "a", .value = "3"}});
  EXPECT_THAT(out(), ElementsAre("a 1", "b 1", "a 2"));
  EXPECT_FALSE(exists("shop-numbers-repartition"));
  EXPECT_TRUE(exists("shop-numbers-changelog"));
}

TEST_F(AggregateTest, IsNotCutTwiceBehindThrough) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) | key_by([](std::int64_t n) { return n % 3; }) |
      through("thirds") | count("numbers") | to("out", Pair<std::int64_t, std::int64_t>());
  start(topology.build());
  run({{.value = "1"}, {.value = "4"}, {.value = "5"}});
  EXPECT_THAT(out(), ElementsAre("1 1", "1 2", "2 1"));
  EXPECT_TRUE(exists("shop-thirds-repartition"));
  EXPECT_FALSE(exists("shop-numbers-repartition"));
}

TEST_F(AggregateTest, LeavesOutRecordsWithoutAKey) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) | count("numbers") |
      to("out", Pair<std::string, std::int64_t>());
  start(topology.build());
  run({{.value = "1"}, {.key = "", .value = "2"}, {.value = "3"}, {.key = "", .value = "4"}});
  EXPECT_THAT(out(), ElementsAre(" 1", " 2"));
}

TEST_F(AggregateTest, TakesAKeyOutWhoseAggregateIsLeftEmpty) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) |
      aggregate("sums", std::optional<std::int64_t>(100),
                [](std::optional<std::int64_t>& sum, std::int64_t n) {
                  if (n == 0)
                    sum.reset();
                  else
                    *sum += n;
                }) |
      to("out", Pair<std::string, std::optional<std::int64_t>>());
  start(topology.build());
  run({{.key = "a", .value = "1"}, {.key = "b", .value = "2"}});
  run({{.key = "a", .value = "0"}});
  const auto changes = driver_->read_output("shop-sums-changelog");
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes.back().key, changes.front().key);
  EXPECT_FALSE(changes.back().value);
  run({{.key = "a", .value = "3"}, {.key = "a", .value = "0"}, {.key = "a", .value = "4"}});
  EXPECT_THAT(out(), ElementsAre("a 101", "b 102", "a -", "a 103", "a -", "a 104"));
}

TEST_F(AggregateTest, WritesOneChangelogRecordPerKeyAndCommit) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) | count("numbers") |
      to("out", Pair<std::string, std::int64_t>());
  start(topology.build());
  std::vector<InputRecord> input;
  for (int i = 0; i < 5'000; ++i)
    input.push_back({.key = i % 2 == 0 ? "even" : "odd", .value = "1"});
  run(input);
  EXPECT_EQ(out().size(), 5'000u);
  EXPECT_EQ(out().back(), "odd 2500");
  EXPECT_EQ(driver_->read_output("shop-numbers-changelog").size(), 2u);
}

TEST_F(AggregateTest, OnCommitEmitsTheLatestResultOfEachChangedKey) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) | count("numbers", on_commit()) |
      to("out", Pair<std::string, std::int64_t>());
  start(topology.build());
  run({{.key = "b", .value = "1"}, {.key = "a", .value = "1"}, {.key = "b", .value = "1"}});
  EXPECT_THAT(out(), ElementsAre("b 2", "a 1"));
  run({{.key = "a", .value = "1"}});
  EXPECT_THAT(out(), ElementsAre("b 2", "a 1", "a 2"));
  EXPECT_EQ(driver_->read_output("out").back().key, "a");
}

TEST_F(AggregateTest, OfAggregatesIsAnotherSubTopology) {
  TopologyBuilder topology{"shop"};
  topology.source("in", orders()) | key_by(&Order::customer) | count("per-customer") |
      key_by([](const Keyed<std::string, std::int64_t>& each) { return each.value; }) |
      count("per-count") | to("out", Pair<std::int64_t, std::int64_t>());
  start(topology.build());
  run({order("ann", 1), order("bob", 2), order("ann", 3)});
  EXPECT_THAT(out(), ElementsAre("1 1", "1 2", "2 1"));
}

TEST_F(AggregateTest, KeepsItsKeyThroughForks) {
  TopologyBuilder topology{"shop"};
  auto [large, small] = topology.source("in", orders()) | key_by(&Order::cents) |
                        branch([](const Order& o) { return o.cents >= 100; }, otherwise());
  std::move(large) | count("large") | to("out", Pair<std::int64_t, std::int64_t>());
  std::move(small) | count("small") | to("small", Pair<std::int64_t, std::int64_t>());
  start(topology.build());
  run({order("ann", 100), order("bob", 99), order("cid", 100)});
  EXPECT_THAT(out(), ElementsAre("100 1", "100 2"));
  EXPECT_THAT(driver_->values("small"), ElementsAre("99 1"));
}

TEST_F(AggregateTest, ExceptionOfTheUsersFunctionIsBlamedOnItsRecord) {
  TopologyBuilder topology{"shop"};
  topology.source("in", decimal_integer()) |
      aggregate("sums", std::int64_t{0},
                [](std::int64_t& sum, std::int64_t n) {
                  if (n == 13) throw std::runtime_error("unlucky");
                  sum += n;
                }) |
      to("out", Pair<std::string, std::int64_t>());
  auto built = topology.build();
  ASSERT_TRUE(built.ok());
  driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
      .topology = std::move(*built),
      .config = {.on_bad_record = BadRecordPolicy::kDeadLetter, .dead_letter_topic = "dead"}});
  run({{.key = "a", .value = "1"}, {.key = "a", .value = "13"}, {.key = "a", .value = "2"}});
  EXPECT_THAT(out(), ElementsAre("a 1", "a 3"));
  EXPECT_THAT(driver_->values("dead"), ElementsAre("13"));
}

TEST_F(AggregateTest, RefusesTwoStoresOfOneName) {
  TopologyBuilder topology{"shop"};
  auto a = topology.source("a", decimal_integer()) | count("numbers");
  auto b = topology.source("b", decimal_integer()) | count("numbers");
  std::move(a) | to("out", Pair<std::string, std::int64_t>());
  std::move(b) | to("other", Pair<std::string, std::int64_t>());
  const auto built = topology.build();
  ASSERT_FALSE(built.ok());
  EXPECT_THAT(built.status().message(), HasSubstr("two stores are named 'numbers'"));
}

}  // namespace
}  // namespace millrace
