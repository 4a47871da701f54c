#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "millrace/millrace.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::Ge;
using testing::Key;
using testing::Le;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// Runs a topology, and tells what its nodes have published by their names, over all tasks.
class NodeCounts : public testing::Test {
 protected:
  using Counts = std::map<std::string, std::vector<std::uint64_t>>;

  void start(TopologyBuilder builder, ApplicationConfig config = {}, std::int32_t partitions = 1) {
    auto built = builder.build();
    ASSERT_TRUE(built.ok()) << built.status().message();
    topology_ = std::make_unique<Topology>(*built);
    driver_ = std::make_unique<TopologyTestDriver>(
        TopologyTestDriver::Options{.topology = std::move(*built),
                                    .config = std::move(config),
                                    .partitions = {{"in", partitions}},
                                    .wrap_broker = [this](Broker& broker) {
                                      return std::make_unique<FaultyBroker>(broker, faults_);
                                    }});
  }
  void put(const std::vector<std::string>& values, std::int32_t partition = 0) {
    for (const std::string& value : values)
      driver_->pipe_input("in", {.value = value, .partition = partition});
  }
  void run() {
    driver_->run_until_idle();
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  }
  Counts counts() const {
    Counts found;
    for_each_node([&](const NodeSpec& spec, const NodeStatus& node) {
      auto& sums = found[spec.name];
      sums.resize(node.records.size());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += node.records[i];
    });
    return found;
  }
  std::map<std::string, NodeWork> work() const {
    std::map<std::string, NodeWork> found;
    for_each_node(
        [&](const NodeSpec& spec, const NodeStatus& node) { found[spec.name] = node.work; });
    return found;
  }
  template <class Visit>
  void for_each_node(Visit visit) const {
    for (const TaskStatus& task : driver_->published("instance-1")->tasks)
      for (const NodeStatus& node : task.nodes)
        visit(topology_->nodes()[static_cast<std::size_t>(node.node)], node);
  }
  /// A count for each operator that a node shows; what it has passed on may come behind them.
  void expect_counts_fit_operators() const {
    for_each_node([](const NodeSpec& spec, const NodeStatus& node) {
      EXPECT_THAT(node.records,
                  SizeIs(AllOf(Ge(spec.operators.size()), Ge(1u), Le(spec.operators.size() + 1))))
          << spec.name;
    });
  }

  Faults faults_{.at = [](Faults::Point) { return Faults::Fault::kNone; }};
  std::unique_ptr<Topology> topology_;
  std::unique_ptr<TopologyTestDriver> driver_;
};

ApplicationConfig with_dead_letters() {
  ApplicationConfig config;
  config.on_bad_record = BadRecordPolicy::kDeadLetter;
  config.dead_letter_topic = "dead";
  return config;
}

/// Drops numbers below 1, makes n of each n, and passes on twos and threes.
TopologyBuilder twos_and_threes() {
  TopologyBuilder topology{"test"};
  auto [twos, threes] =
      topology.source("in", decimal_integer()) | filter([](std::int64_t n) { return n > 0; }) |
      flat_map([](std::int64_t n) {
        return std::vector<std::int64_t>(static_cast<std::size_t>(n), n);
      }) |
      branch([](std::int64_t n) { return n == 2; }, [](std::int64_t n) { return n == 3; });
  merge(std::move(twos) | map([](std::int64_t n) { return n * 10; }), std::move(threes)) |
      to("out", decimal_integer());
  return topology;
}

TEST_F(NodeCounts, SayWhichOperatorDropsAndWhichMultiplies) {
  start(twos_and_threes(), with_dead_letters());
  put({"0", "x", "1", "2", "3", "2"});
  run();
  EXPECT_THAT(driver_->values("out"), SizeIs(7));
  EXPECT_THAT(counts(),
              UnorderedElementsAre(
                  Pair("source in", ElementsAre(6, 5, 4, 8)),  // decode, filter, flat_map, branch
                  Pair("edge 0", ElementsAre(4, 4)),           // map, and passed on
                  Pair("edge 1", ElementsAre(3)),              // only passed on
                  Pair("merge 4", ElementsAre(7, 7)),          // merge, and passed on
                  Pair("edge 4", ElementsAre(7))));            // to
  expect_counts_fit_operators();
}

TEST_F(NodeCounts, SayWhatEachNodeReadAndSent) {
  start(twos_and_threes(), with_dead_letters());
  put({"0", "x", "1", "2", "3", "2"});
  run();
  auto found = work();
  EXPECT_EQ(found["source in"].read_bytes, 6u);
  EXPECT_EQ(found["source in"].sent_records, 1u) << "the dead letter";
  EXPECT_EQ(found["source in"].sent_bytes, 1u);
  EXPECT_EQ(found["source in"].batches, 1u);
  EXPECT_EQ(found["edge 0"].batches, 1u);
  EXPECT_EQ(found["edge 4"].batches, 2u) << "one by way of each input of the merge";
  EXPECT_EQ(found["edge 4"].sent_records, 7u);
  EXPECT_EQ(found["edge 4"].sent_bytes, 4u * 2 + 3u);
  EXPECT_EQ(found["edge 4"].read_bytes, 0u);
  EXPECT_EQ(driver_->published("instance-1")->sent_records, 8u);
}

TEST_F(NodeCounts, OfAbortedWorkStayAndCountAgain) {
  start(twos_and_threes());
  put({"0", "2", "3"});
  faults_.at = [aborted = false](Faults::Point at) mutable {
    return at == Faults::Point::kSendOffsets && !std::exchange(aborted, true)
               ? Faults::Fault::kAbort
               : Faults::Fault::kNone;
  };
  run();
  EXPECT_THAT(driver_->values("out"), SizeIs(5)) << "committed once";
  EXPECT_THAT(counts(), UnorderedElementsAre(
                            Pair("source in", ElementsAre(6, 6, 4, 10)),
                            Pair("edge 0", ElementsAre(4, 4)), Pair("edge 1", ElementsAre(6)),
                            Pair("merge 4", ElementsAre(10, 10)), Pair("edge 4", ElementsAre(10))));
  EXPECT_EQ(work()["edge 4"].sent_records, 10u);
}

TEST_F(NodeCounts, AreTheSameInTheSampleAndOutOfIt) {
  ApplicationConfig config = with_dead_letters();
  config.batch.records = 2;
  start(twos_and_threes(), config);
  for (int i = 0; i < 1'000; ++i) put({"0", "x", "1", "2", "3", "2"});
  run();
  EXPECT_THAT(driver_->values("out"), SizeIs(7'000));
  EXPECT_THAT(counts()["source in"], ElementsAre(6'000, 5'000, 4'000, 8'000));
  EXPECT_EQ(work()["source in"].batches, 3'000u);
}

TEST_F(NodeCounts, GoOnBehindARepartitionTopicAndAStore) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) |
      key_by([](std::int64_t n) { return std::to_string(n % 2); }) | count("parity") |
      map([](const Keyed<std::string, std::int64_t>& counted) { return counted.value; }) |
      to("out", decimal_integer());
  start(std::move(topology), {}, 2);
  put({"1", "2", "3"});
  put({"4"}, 1);
  run();
  EXPECT_THAT(counts(), UnorderedElementsAre(Pair("source in", ElementsAre(4, 4, 4, 4)),
                                             Pair("repartition parity", ElementsAre(4)),
                                             Pair("edge 0", ElementsAre(4, 4))));
  expect_counts_fit_operators();
}

TEST_F(NodeCounts, OfAnOrderedMergeShowWhatItHoldsBack) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | ordered_merge(by_value()) |
      to("out", decimal_integer());
  start(std::move(topology), {.idle_after = -1ms}, 2);
  put({"1", "3", "9"});
  put({"2", "4"}, 1);
  run();
  const Counts found = counts();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(found.at("source in"), ElementsAre(5, 5));
  EXPECT_THAT(found, testing::Contains(Pair(testing::StartsWith("merge"), ElementsAre(5, 4))));
  expect_counts_fit_operators();
}

TEST_F(NodeCounts, OfAWindowBoardAreDeltasAndResults) {
  struct Visit {
    std::chrono::sys_seconds time;
    std::string_view user;
  };
  TopologyBuilder topology{"test"};
  topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
      event_time(&Visit::time, lateness(5s), no_jump_guard()) | windows({tumbling(60s)}) |
      distinct_count("users", &Visit::user) | to("out", window_stats_json());
  start(std::move(topology), {.idle_after = -1ms});
  put({R"({"ts":1468244400,"uid":"a"})", R"({"ts":1468244401,"uid":"b"})",
       R"({"ts":1468244500,"uid":"a"})"});
  run();
  const Counts found = counts();
  EXPECT_THAT(driver_->values("out"), SizeIs(1));
  EXPECT_THAT(found.at("source in"), ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(found.at("union users"), ElementsAre(2, 1)) << "a delta for each window";
  EXPECT_THAT(found.at("edge 0"), ElementsAre(1));
  expect_counts_fit_operators();
}

TEST_F(NodeCounts, MemoryIsPublishedByOwner) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | ordered_merge(by_value()) |
      to("out", decimal_integer());
  start(std::move(topology), {.idle_after = -1ms}, 2);
  put(std::vector<std::string>(1'000, "7"));
  run();
  driver_->advance(1s);  // nothing is committed that would be published at once
  run();
  const MemoryUsage held = driver_->published("instance-1")->memory;
  EXPECT_GE(held[MemoryOwner::kBatches], 1'000 * sizeof(RecordView));
  EXPECT_EQ(held[MemoryOwner::kWaiting], 0u);
  EXPECT_EQ(held[MemoryOwner::kProducers], 0u);
}

}  // namespace
}  // namespace millrace
