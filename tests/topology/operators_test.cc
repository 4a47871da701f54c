#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/framework/partitioner.h"
#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {

/// An order of a customer, as it crosses a repartition topic.
struct Order {
  std::string customer;
  std::int64_t total = 0;
};
auto millrace_fields(const Order*) { return fields<Order>(&Order::customer, &Order::total); }

namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Optional;
using testing::UnorderedElementsAre;

/// Pipes whole numbers through a topology and gives what it wrote to "out".
std::vector<std::string> through_numbers(Result<Topology> topology,
                                         const std::vector<std::string>& input) {
  EXPECT_TRUE(topology.ok()) << topology.status().message();
  TopologyTestDriver driver({.topology = std::move(*topology)});
  for (const std::string& value : input) driver.pipe_input("in", {.value = value});
  driver.run_until_idle();
  EXPECT_TRUE(driver.status().ok()) << driver.status().message();
  return driver.values("out");
}

Order parse_order(std::string_view text) {
  const std::size_t space = text.find(' ');
  return {std::string(text.substr(0, space)), std::atoll(text.substr(space + 1).data())};
}

TEST(Operators, FilterKeepsWhatHolds) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | filter([](std::int64_t n) { return n > 2; }) |
      to("out", decimal_integer());
  EXPECT_THAT(through_numbers(topology.build(), {"1", "2", "3", "4"}), ElementsAre("3", "4"));
}

TEST(Operators, MapChangesValueAndType) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) |
      map([](std::int64_t n) { return std::to_string(n * n) + "!"; }) |
      map([](std::string&& s) { return "<" + s; }) | to("out", text());
  EXPECT_THAT(through_numbers(topology.build(), {"3", "4"}), ElementsAre("<9!", "<16!"));
}

TEST(Operators, MembersStandForFunctions) {
  struct Bag {
    bool open = false;
    std::vector<std::int64_t> things;
    bool is_big() const { return things.size() > 2; }
  };
  TopologyBuilder topology{"test"};
  auto [big, small] =
      topology.source("in", decimal_integer()) | map([](std::int64_t n) {
        return Bag{n != 2, std::vector<std::int64_t>(static_cast<std::size_t>(n), n)};
      }) |
      filter(&Bag::open) | peek(&Bag::is_big) | branch(&Bag::is_big, otherwise());
  std::move(big) | map(&Bag::open) | map([](bool open) { return std::int64_t{open}; }) |
      to("big", decimal_integer());
  std::move(small) | flat_map(&Bag::things) | to("out", decimal_integer());
  EXPECT_THAT(through_numbers(topology.build(), {"1", "2", "3"}), ElementsAre("1"));
}

TEST(Operators, FlatMapGivesAnyNumberOfValuesInOrder) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | flat_map([](std::int64_t n) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(n), n);
  }) | to("out", decimal_integer());
  EXPECT_THAT(through_numbers(topology.build(), {"0", "2", "1"}), ElementsAre("2", "2", "1"));
}

TEST(Operators, PeekSeesEachValueAndPassesItOn) {
  auto seen = std::make_shared<std::vector<std::int64_t>>();
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | peek([seen](std::int64_t n) { seen->push_back(n); }) |
      to("out", decimal_integer());
  EXPECT_THAT(through_numbers(topology.build(), {"5", "6"}), ElementsAre("5", "6"));
  EXPECT_THAT(*seen, ElementsAre(5, 6));
}

TEST(Operators, BranchSendsEachValueToTheFirstThatHolds) {
  TopologyBuilder topology{"test"};
  auto [small, even, rest] = topology.source("in", decimal_integer()) |
                             branch([](std::int64_t n) { return n < 3; },
                                    [](std::int64_t n) { return n % 2 == 0; }, otherwise());
  std::move(small) | to("small", decimal_integer());
  std::move(even) | to("even", decimal_integer());
  std::move(rest) | to("rest", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build()});
  for (const char* n : {"1", "2", "3", "4", "5", "6"}) driver.pipe_input("in", {.value = n});
  driver.run_until_idle();
  EXPECT_THAT(driver.values("small"), ElementsAre("1", "2"));
  EXPECT_THAT(driver.values("even"), ElementsAre("4", "6"));
  EXPECT_THAT(driver.values("rest"), ElementsAre("3", "5"));
}

TEST(Operators, ABranchWithoutOtherwiseDropsWhatNoneTakes) {
  TopologyBuilder topology{"test"};
  auto [one, two] =
      topology.source("in", decimal_integer()) |
      branch([](std::int64_t n) { return n == 1; }, [](std::int64_t n) { return n == 2; });
  merge(std::move(one), std::move(two)) | to("out", decimal_integer());
  EXPECT_THAT(through_numbers(topology.build(), {"3", "2", "1", "9"}),
              UnorderedElementsAre("1", "2"));
}

TEST(Operators, SplitGivesEveryStreamEveryValue) {
  TopologyBuilder topology{"test"};
  auto [a, b] = topology.source("in", decimal_integer()) | split<2>();
  std::move(a) | map([](std::int64_t n) { return n + 100; }) | to("more", decimal_integer());
  std::move(b) | to("same", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build()});
  for (const char* n : {"1", "2"}) driver.pipe_input("in", {.value = n});
  driver.run_until_idle();
  EXPECT_THAT(driver.values("more"), ElementsAre("101", "102"));
  EXPECT_THAT(driver.values("same"), ElementsAre("1", "2"));
}

TEST(Operators, MergeJoinsTopicsOfEqualPartitions) {
  TopologyBuilder topology{"test"};
  auto a = topology.source("a", decimal_integer());
  auto b = topology.source("b", decimal_integer());
  merge(std::move(a), std::move(b)) | to("out", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build(), .partitions = {{"a", 2}, {"b", 2}}});
  driver.pipe_input("a", {.value = "1", .partition = 0});
  driver.pipe_input("b", {.value = "2", .partition = 1});
  driver.pipe_input("a", {.value = "3", .partition = 1});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), UnorderedElementsAre("1", "2", "3"));
}

TEST(Operators, ToKeepsTheKeyAndChoosesThePartitionOfAJavaProducer) {
  TopologyBuilder topology{"test"};
  topology.source("in", bytes()) | to("out", bytes());
  TopologyTestDriver driver({.topology = *topology.build(), .partitions = {{"out", 7}}});
  for (const char* key : {"21", "foobar", "a-little-bit-long-string"})
    driver.pipe_input("in", {.key = key, .value = "v", .timestamp_ms = 1'468'244'385'000});
  driver.run_until_idle();
  const auto out = driver.read_output("out");
  ASSERT_EQ(out.size(), 3u);
  for (const OutputRecord& record : out) {
    EXPECT_EQ(record.partition, partition_for_key(*record.key, 7)) << *record.key;
    EXPECT_EQ(record.timestamp_ms, 1'468'244'385'000);
  }
}

TEST(Operators, ToNeverWritesATimestampBeyondNow) {
  TopologyBuilder topology{"test"};
  topology.source("in", bytes()) | to("out", bytes());
  TopologyTestDriver driver({.topology = *topology.build()});
  driver.pipe_input("in", {.value = "v", .timestamp_ms = ManualClock::kStartMs + 86'400'000});
  driver.run_until_idle();
  const auto out = driver.read_output("out");
  ASSERT_EQ(out.size(), 1u);
  EXPECT_LE(out[0].timestamp_ms, driver.clock().wall_ms());
  EXPECT_GE(out[0].timestamp_ms, ManualClock::kStartMs);
}

TEST(Operators, WithoutAKeyToWritesToThePartitionOfItsTask) {
  TopologyBuilder topology{"test"};
  topology.source("in", bytes()) | to("out", bytes());
  TopologyTestDriver driver({.topology = *topology.build(), .partitions = {{"in", 3}, {"out", 2}}});
  for (const std::int32_t i : {0, 1, 2})
    driver.pipe_input("in", {.value = std::to_string(i), .partition = i});
  driver.run_until_idle();
  EXPECT_THAT(
      driver.read_output("out"),
      UnorderedElementsAre(testing::AllOf(Field(&OutputRecord::value, Optional(std::string("0"))),
                                          Field(&OutputRecord::partition, 0)),
                           testing::AllOf(Field(&OutputRecord::value, Optional(std::string("2"))),
                                          Field(&OutputRecord::partition, 0)),
                           testing::AllOf(Field(&OutputRecord::value, Optional(std::string("1"))),
                                          Field(&OutputRecord::partition, 1))));
}

TEST(Operators, KeyByOnlyChangesTheKey) {
  TopologyBuilder topology{"test"};
  topology.source("in", text()) | map(parse_order) | key_by(&Order::customer) |
      map([](const Order& order) { return order.total; }) | to("out", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build()});
  driver.pipe_input("in", {.key = "old", .value = "ann 7"});
  driver.run_until_idle();
  const auto out = driver.read_output("out");
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].key, "ann");
  EXPECT_EQ(out[0].value, "7");
  EXPECT_FALSE(driver.broker().admin().describe_topic("test-orders-repartition").ok());
}

TEST(Operators, ThroughBringsEqualKeysIntoOneTask) {
  TopologyBuilder topology{"test"};
  topology.source("in", text()) | map(parse_order) | key_by(&Order::customer) |
      through("orders", 4) |
      map([](const Order& order) { return order.customer + "=" + std::to_string(order.total); }) |
      to("out", text());
  TopologyTestDriver driver({.topology = *topology.build(), .partitions = {{"in", 2}, {"out", 1}}});
  const std::vector<std::string> names = {"ann", "bob", "cid", "dee", "eve"};
  for (int round = 0; round < 3; ++round)
    for (const std::string& name : names)
      driver.pipe_input("in",
                        {.value = name + " " + std::to_string(round), .partition = round % 2});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_EQ(driver.values("out").size(), 15u);
  EXPECT_EQ(driver.broker().admin().describe_topic("test-orders-repartition")->partitions, 4);
  for (const OutputRecord& record : driver.read_output("test-orders-repartition"))
    if (record.key) {
      EXPECT_EQ(record.partition, partition_for_key(*record.key, 4)) << *record.key;
    }
}

TEST(Operators, ThroughKeepsTheOrderWithinAKey) {
  TopologyBuilder topology{"test"};
  topology.source("in", text()) | map(parse_order) | key_by(&Order::customer) | through("orders") |
      map([](const Order& order) { return order.total; }) | to("out", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build()});
  for (int i = 0; i < 50; ++i) driver.pipe_input("in", {.value = "ann " + std::to_string(i)});
  driver.run_until_idle();
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(driver.values("out"), expected);
}

TEST(Operators, MoreThanSixteenFusedOperatorsAreCutByAnInnerEdge) {
  TopologyBuilder topology{"test"};
  const auto next = map([](std::int64_t n) { return n + 1; });
  topology.source("in", decimal_integer()) | next | next | next | next | next | next | next | next |
      next | next | next | next | next | next | next | next | next | next |
      to("out", decimal_integer());
  EXPECT_THAT(through_numbers(topology.build(), {"0", "100"}), ElementsAre("18", "118"));
}

TEST(Operators, NullValuesAndKeysPassAsNull) {
  TopologyBuilder topology{"test"};
  topology.source("in", bytes()) | to("out", bytes());
  TopologyTestDriver driver({.topology = *topology.build()});
  driver.pipe_input("in", {.key = "", .value = ""});
  driver.pipe_input("in", {.value = "x"});
  driver.run_until_idle();
  const auto out = driver.read_output("out");
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].key, "");
  EXPECT_EQ(out[1].key, std::nullopt);
}

TEST(Operators, AMissingSinkIsCreatedWithOnePartition) {
  TopologyBuilder topology{"test"};
  topology.source("in", bytes()) | to("out", bytes());
  TopologyTestDriver driver({.topology = *topology.build()});
  driver.run_until_idle();
  EXPECT_EQ(driver.broker().admin().describe_topic("out")->partitions, 1);
  EXPECT_THAT(driver.values("out"), IsEmpty());
}

}  // namespace
}  // namespace millrace
