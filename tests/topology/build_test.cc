#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

struct Visit {
  std::chrono::sys_seconds time;
  std::string_view user;
};

auto visits() { return json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user)); }

std::string error_of(const Result<Topology>& built) {
  EXPECT_FALSE(built.ok());
  EXPECT_EQ(built.status().code(), StatusCode::kInvalid);
  return built.status().message();
}

TEST(Build, AStreamWithoutASinkIsNamed) {
  TopologyBuilder topology{"orders"};
  [[maybe_unused]] auto stream =
      topology.source("in", text()) | filter([](std::string_view) { return true; });
  EXPECT_THAT(error_of(topology.build()), AllOf(HasSubstr("orders"), HasSubstr("'filter'"),
                                                HasSubstr("without a sink"), HasSubstr("to(...)")));
}

TEST(Build, OneOpenBranchIsEnoughToRefuse) {
  TopologyBuilder topology{"orders"};
  auto [a, b] = topology.source("in", text()) | split<2>();
  std::move(a) | to("out", text());
  EXPECT_THAT(error_of(topology.build()), HasSubstr("split 1"));
}

TEST(Build, ATopologyNeedsASource) {
  TopologyBuilder topology{"orders"};
  EXPECT_THAT(error_of(topology.build()), HasSubstr("no source"));
}

TEST(Build, ATopicIsReadOnce) {
  TopologyBuilder topology{"orders"};
  topology.source("in", text()) | to("a", text());
  topology.source("in", text()) | to("b", text());
  EXPECT_THAT(error_of(topology.build()), HasSubstr("in"));
}

TEST(Build, WindowsNeedEventTime) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | windows({tumbling(1min)}) |
      distinct_count("users", &Visit::user) | to("out", window_stats_json());
  EXPECT_THAT(error_of(topology.build()), HasSubstr("event_time"));
}

TEST(Build, WindowsAreGivenOnce) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) |
      windows({tumbling(1min), tumbling(60s)}) | distinct_count("users", &Visit::user) |
      to("out", window_stats_json());
  EXPECT_THAT(error_of(topology.build()), AllOf(HasSubstr("'60'"), HasSubstr("twice")));
}

TEST(Build, WindowsAreNotEmpty) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) | windows({}) |
      distinct_count("users", &Visit::user) | to("out", window_stats_json());
  EXPECT_THAT(error_of(topology.build()), HasSubstr("at least one window"));
}

TEST(Build, GraceIsNotNegative) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(1min)}, -1s) |
      distinct_count("users", &Visit::user) | to("out", window_stats_json());
  EXPECT_THAT(error_of(topology.build()), HasSubstr("grace"));
}

TEST(Build, EventTimeStandsBeforeFlatMap) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | flat_map([](const Visit& visit) {
    return std::vector<Visit>{visit, visit};
  }) | event_time(&Visit::time) |
      windows({tumbling(1min)}) | distinct_count("users", &Visit::user) |
      to("out", window_stats_json());
  EXPECT_THAT(error_of(topology.build()), HasSubstr("flat_map"));
}

TEST(Build, AShardIsTheLeast) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(1min)}) |
      distinct_count("users", &Visit::user, DistinctOptions{.shards = 0}) |
      to("out", window_stats_json());
  EXPECT_THAT(error_of(topology.build()), AllOf(HasSubstr("users"), HasSubstr("shard")));
}

TEST(Build, ASketchHasAPrecisionFrom3To18) {
  for (const int precision : {2, 19}) {
    TopologyBuilder topology{"visits"};
    topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(1min)}) |
        distinct_count("users", &Visit::user, sketch(precision)) | to("out", window_stats_json());
    EXPECT_THAT(error_of(topology.build()), HasSubstr("3 to 18"));
  }
}

TEST(Build, StoresAndCutsHaveNamesOfTheirOwn) {
  TopologyBuilder topology{"orders"};
  topology.source("a", decimal_integer()) | through("same") | to("x", decimal_integer());
  topology.source("b", decimal_integer()) | through("same") | to("y", decimal_integer());
  EXPECT_THAT(error_of(topology.build()), AllOf(HasSubstr("same"), HasSubstr("unique")));
}

TEST(Build, DescribeShowsSubTopologiesTopicsAndStores) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) |
      windows({tumbling(1min), calendar_day()}) | distinct_count("users", &Visit::user) |
      to("out", window_stats_json());
  const auto built = topology.build();
  ASSERT_TRUE(built.ok()) << built.status().message();
  EXPECT_EQ(built->sub_topologies().size(), 2u);
  EXPECT_THAT(
      built->describe(),
      AllOf(HasSubstr("topology visits"), HasSubstr("sub-topology 0"), HasSubstr("sub-topology 1"),
            HasSubstr("reads topic in"), HasSubstr("windows(60, day"),
            HasSubstr("distinct_count users (exact)"),
            HasSubstr("<application-id>-users-repartition"), HasSubstr("writes topic out")));
  EXPECT_THAT(built->mermaid(),
              AllOf(HasSubstr("flowchart LR"), HasSubstr("sub-topology 1"), HasSubstr("in")));
}

TEST(Build, ShardsAddAThirdSubTopology) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(1min)}) |
      distinct_count("users", &Visit::user, DistinctOptions{.shards = 3}) |
      to("out", window_stats_json());
  const auto built = topology.build();
  ASSERT_TRUE(built.ok()) << built.status().message();
  EXPECT_EQ(built->sub_topologies().size(), 3u);
  EXPECT_THAT(built->describe(), HasSubstr("users-total-repartition"));
}

TEST(Build, TheFingerprintFollowsWhatMattersToState) {
  const auto fingerprint = [](std::chrono::seconds window, const std::string& sink) {
    TopologyBuilder topology{"visits"};
    topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(window)}) |
        distinct_count("users", &Visit::user) | to(sink, window_stats_json());
    return topology.build()->fingerprint();
  };
  EXPECT_EQ(fingerprint(60s, "out"), fingerprint(60s, "out"));
  EXPECT_NE(fingerprint(60s, "out"), fingerprint(90s, "out"));
  EXPECT_NE(fingerprint(60s, "out"), fingerprint(60s, "other"));
  EXPECT_EQ(fingerprint(60s, "out").size(), 16u);
}

// --- what only the broker can tell

Result<Topology> merged(const std::string& a, const std::string& b) {
  TopologyBuilder topology{"orders"};
  auto first = topology.source(a, text());
  auto second = topology.source(b, text());
  merge(std::move(first), std::move(second)) | to("out", text());
  return topology.build();
}

TEST(Deploy, MergedTopicsNeedEqualPartitions) {
  TopologyTestDriver driver({.topology = *merged("a", "b"), .partitions = {{"a", 2}, {"b", 3}}});
  driver.run_until_idle();
  EXPECT_EQ(driver.status().code(), StatusCode::kInvalid);
  EXPECT_THAT(driver.status().message(),
              AllOf(HasSubstr("'a'"), HasSubstr("'b'"), HasSubstr("2"), HasSubstr("3")));
}

TEST(Deploy, AnInternalTopicOfAnotherSizeIsRefused) {
  TopologyBuilder topology{"orders"};
  topology.source("in", decimal_integer()) | through("cut", 3) | to("out", decimal_integer());
  TopologyTestDriver driver(
      {.topology = *topology.build(), .partitions = {{"orders-cut-repartition", 2}}});
  driver.run_until_idle();
  EXPECT_EQ(driver.status().code(), StatusCode::kInvalid);
  EXPECT_THAT(driver.status().message(), AllOf(HasSubstr("orders-cut-repartition"), HasSubstr("2"),
                                               HasSubstr("3"), HasSubstr("reset")));
}

TEST(Deploy, AnInternalTopicThatDeletesWhatIsNeededIsRefused) {
  const auto deploy = [](const std::string& topic, std::map<std::string, std::string> configs) {
    TopologyBuilder topology{"visits"};
    topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(1min)}) |
        distinct_count("users", &Visit::user) | to("out", window_stats_json());
    TopologyTestDriver driver(
        {.topology = *topology.build(), .topics = {{topic, 1, -1, std::move(configs)}}});
    driver.run_until_idle();
    return driver.status();
  };
  const Status changelog = deploy("visits-users-changelog", {{"cleanup.policy", "delete"}});
  EXPECT_EQ(changelog.code(), StatusCode::kInvalid);
  EXPECT_THAT(changelog.message(),
              AllOf(HasSubstr("'visits-users-changelog' has cleanup.policy=delete"),
                    HasSubstr("must have cleanup.policy=compact")));
  EXPECT_THAT(deploy("visits-users-changelog",
                     {{"cleanup.policy", "compact"}, {"delete.retention.ms", "60000"}})
                  .message(),
              HasSubstr("delete.retention.ms=60000"));
  EXPECT_THAT(deploy("visits-users-repartition", {{"retention.ms", "604800000"}}).message(),
              HasSubstr("must have retention.ms=-1"));
  const Status longer = deploy("visits-users-changelog", {{"cleanup.policy", "compact"},
                                                          {"delete.retention.ms", "864000000"}});
  EXPECT_TRUE(longer.ok()) << longer.message();
}

TEST(Deploy, InternalTopicsNeverExpire) {
  TopologyBuilder topology{"visits"};
  topology.source("in", visits()) | event_time(&Visit::time) | windows({tumbling(1min)}) |
      distinct_count("users", &Visit::user) | to("out", window_stats_json());
  TopologyTestDriver driver({.topology = *topology.build()});
  driver.run_until_idle();
  auto configs = driver.broker().admin().topic_configs("visits-users-repartition");
  ASSERT_TRUE(configs.ok());
  EXPECT_EQ(configs->at("cleanup.policy"), "delete");
  EXPECT_EQ(configs->at("retention.ms"), "-1");
  configs = driver.broker().admin().topic_configs("visits-users-changelog");
  ASSERT_TRUE(configs.ok());
  EXPECT_EQ(configs->at("cleanup.policy"), "compact");
  EXPECT_EQ(configs->at("delete.retention.ms"), "86400000");
}

}  // namespace
}  // namespace millrace
