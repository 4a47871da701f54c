#include "millrace/tests/kit/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "millrace/millrace.h"

namespace millrace {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

Topology copy() {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | to("out", decimal_integer());
  return *topology.build();
}

constexpr FaultPlan kFaults{
    .crash = .01, .leave = .01, .sleep = .01, .nap = .01, .disturb = .02, .fault = .05};

/// Plays it; the values that went in, and what was traced.
struct Played {
  explicit Played(std::uint64_t seed)
      : simulator({.driver = {.topology = copy(), .partitions = {{"in", 2}}},
                   .seed = seed,
                   .instances = 3,
                   .faults = kFaults,
                   .trace = [this](const std::string& line) { trace.push_back(line); }}) {
    for (int i = 0; i < 300; ++i) {
      if (simulator.dice().chance(.1)) {
        input.push_back(std::to_string(input.size()));
        simulator.driver().pipe_input("in", {.value = input.back(), .partition = i % 2});
      }
      simulator.step();
    }
    simulator.settle();
  }

  std::vector<std::string> trace;
  std::vector<std::string> input;
  Simulator simulator;
};

TEST(Simulator, FindsEachRecordOnceWhateverHappens) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Played played(seed);
    ASSERT_FALSE(played.simulator.failure()) << seed << ": " << played.simulator.failure()->text;
    EXPECT_THAT(played.simulator.driver().values("out"), UnorderedElementsAreArray(played.input));
  }
}

TEST(Simulator, PlaysTheSameForTheSameSeed) {
  const Played one(3);
  EXPECT_THAT(one.trace, Contains(HasSubstr("is dead")));
  EXPECT_EQ(one.trace, Played(3).trace);
  EXPECT_NE(one.trace, Played(4).trace);
}

TEST(Simulator, SaysThatAThreadHasFailed) {
  Simulator simulator(
      {.driver = {.topology = copy(), .config = {.on_bad_record = BadRecordPolicy::kStop}},
       .instances = 1});
  simulator.driver().pipe_input("in", {.value = "no number"});
  simulator.settle();
  ASSERT_TRUE(simulator.failure());
  EXPECT_EQ(simulator.failure()->check, "error");
}

TEST(Simulator, LetsWhoIsAwakeLiveThroughALeap) {
  Simulator simulator({.driver = {.topology = copy()}, .instances = 2});
  for (int i = 0; i < 100; ++i) simulator.step();
  simulator.pass(std::chrono::minutes(5));
  const auto group = simulator.driver().broker().admin().describe_group("test");
  ASSERT_TRUE(group.ok());
  EXPECT_THAT(group->members, SizeIs(2));
}

}  // namespace
}  // namespace millrace
