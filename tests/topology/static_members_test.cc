#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

Topology copy() {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | to("out", decimal_integer());
  return *topology.build();
}

class StaticMembersTest : public testing::Test {
 protected:
  std::vector<TopicPartition> owned(const std::string& instance) {
    const auto group = driver.broker().admin().describe_group("test");
    for (const GroupMember& member : group->members)
      if (member.instance_id == instance + "-0") return member.partitions;
    return {};
  }
  void pipe(const std::vector<std::string>& values) {
    std::int32_t partition = 0;
    for (const std::string& value : values)
      driver.pipe_input("in", {.value = value, .partition = partition++});
  }

  /// "one" owns everything, and dies when it has been told to give half of it up for "two", but
  /// before the group knows that it did: on Kafka between two rounds of a cooperative rebalance.
  void die_between_rounds() {
    driver.turn("one");
    ASSERT_THAT(owned("one"), SizeIs(4));
    ASSERT_TRUE(driver.add_instance("two"));
    driver.turn("two");
    driver.turn("one");
    driver.crash_instance("one");
  }

  TopologyTestDriver driver{
      {.topology = copy(),
       .config = {.instance_id = "one", .static_membership = true, .session_timeout = 10s},
       .partitions = {{"in", 4}}}};
};

TEST_F(StaticMembersTest, WhatOneGaveUpAsItDiedFindsAnOwner) {
  ASSERT_NO_FATAL_FAILURE(die_between_rounds());
  ASSERT_TRUE(driver.add_instance("one"));
  pipe({"0", "1", "2", "3"});
  driver.run_until_idle();
  ASSERT_THAT(owned("one"), SizeIs(2)) << "its assignment of before";
  ASSERT_THAT(owned("two"), IsEmpty());
  ASSERT_THAT(driver.values("out"), SizeIs(2));
  driver.run_for(30s);
  EXPECT_THAT(owned("one"), SizeIs(2));
  EXPECT_THAT(owned("two"), SizeIs(2));
  pipe({"4", "5", "6", "7"});
  driver.run_until_idle();
  EXPECT_THAT(driver.values("out"), UnorderedElementsAre("0", "1", "2", "3", "4", "5", "6", "7"));
  EXPECT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.broker().admin().describe_group("test")->members, SizeIs(2));
}

TEST_F(StaticMembersTest, ThatDoNotComeBackAreReplacedWhenTheirSessionEnds) {
  ASSERT_NO_FATAL_FAILURE(die_between_rounds());
  pipe({"0", "1", "2", "3"});
  driver.run_for(30s);
  EXPECT_THAT(owned("two"), SizeIs(4));
  EXPECT_THAT(driver.values("out"), UnorderedElementsAre("0", "1", "2", "3"));
  EXPECT_TRUE(driver.status().ok()) << driver.status().message();
}

/// A run that waits for partitions that nobody reads must not take itself for over, and ends.
TEST(StaticMembers, OfABoundedRunReachItsEnd) {
  TopologyTestDriver driver(
      {.topology = copy(),
       .config = {.instance_id = "one", .static_membership = true, .until_end = true},
       .partitions = {{"in", 4}}});
  for (std::int32_t i = 0; i < 4; ++i)
    driver.pipe_input("in", {.value = std::to_string(i), .partition = i});
  ASSERT_TRUE(driver.add_instance("one"));
  driver.turn("one");
  ASSERT_TRUE(driver.add_instance("two"));
  driver.turn("two");
  driver.turn("one");
  driver.crash_instance("one");
  while (!driver.add_instance("one")) {
    ASSERT_TRUE(driver.status().ok()) << driver.status().message();
    driver.turn("two");
    driver.advance(500ms);
  }
  driver.run_for(60s);
  EXPECT_TRUE(driver.ended());
  EXPECT_THAT(driver.values("out"), UnorderedElementsAre("0", "1", "2", "3"));
  EXPECT_TRUE(driver.status().ok()) << driver.status().message();
}

}  // namespace
}  // namespace millrace
