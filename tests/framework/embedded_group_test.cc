#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "millrace/framework/embedded/sticky_assignment.h"
#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

std::vector<std::int32_t> owned(const Consumer& consumer) {
  std::vector<std::int32_t> partitions;
  for (const OwnedPartition& each : consumer.membership().owned)
    partitions.push_back(each.partition.partition);
  return partitions;
}

class EmbeddedGroupTest : public testing::Test {
 protected:
  EmbeddedGroupTest() { EXPECT_OK(world.topic("lead", 4)); }
  std::unique_ptr<Consumer> join(const std::string& instance_id = {}) {
    auto consumer = world.member("g", instance_id);
    EXPECT_OK(consumer->subscribe({"lead"}));
    EXPECT_OK(consumer->serve());
    return consumer;
  }
  EmbeddedWorld world;
};

TEST_F(EmbeddedGroupTest, TheFirstMemberOwnsEverything) {
  const auto a = join();
  EXPECT_TRUE(a->membership().joined);
  EXPECT_THAT(owned(*a), testing::ElementsAre(0, 1, 2, 3));
  EXPECT_NE(a->group_metadata(), nullptr);
}

TEST_F(EmbeddedGroupTest, AMovingPartitionIsGivenOnlyAfterItsOwnerHasLetGo) {
  const auto a = join();
  const auto before = a->membership().owned;
  const auto b = join();
  EXPECT_TRUE(b->membership().joined);
  EXPECT_THAT(owned(*b), IsEmpty());
  EXPECT_THAT(owned(*a), SizeIs(4)) << "not told yet";
  ASSERT_OK(a->serve());
  EXPECT_THAT(owned(*a), SizeIs(2));
  ASSERT_OK(b->serve());
  EXPECT_THAT(owned(*b), IsEmpty()) << "told, but it may still be working";
  ASSERT_OK(a->serve());
  ASSERT_OK(b->serve());
  EXPECT_THAT(owned(*b), SizeIs(2));
  EXPECT_THAT(before, testing::IsSupersetOf(a->membership().owned))
      << "kept partitions keep their acquisition";
}

TEST_F(EmbeddedGroupTest, ALeaverHandsItsPartitionsOver) {
  const auto a = join();
  const auto b = join();
  for (int i = 0; i < 2; ++i)
    for (Consumer* each : {a.get(), b.get()}) ASSERT_OK(each->serve());
  const std::uint64_t version = a->membership().version;
  ASSERT_OK(b->close());
  ASSERT_OK(b->close());
  ASSERT_OK(a->serve());
  EXPECT_THAT(owned(*a), SizeIs(4));
  EXPECT_GT(a->membership().version, version);
}

TEST_F(EmbeddedGroupTest, ASilentMemberIsRemovedAndJoinsAgainByItself) {
  const auto a = join();
  const auto b = join();
  for (int i = 0; i < 2; ++i)
    for (Consumer* each : {a.get(), b.get()}) ASSERT_OK(each->serve());
  const auto before = b->membership().owned;
  world.clock.advance(6s);
  ASSERT_OK(a->serve());
  world.clock.advance(6s);
  ASSERT_OK(a->serve());
  EXPECT_THAT(owned(*a), SizeIs(4));
  ASSERT_OK(b->serve());
  EXPECT_FALSE(b->membership().joined);
  EXPECT_THAT(b->membership().owned, IsEmpty());
  EXPECT_EQ(b->group_metadata(), nullptr);
  for (int i = 0; i < 3; ++i)
    for (Consumer* each : {b.get(), a.get()}) ASSERT_OK(each->serve());
  EXPECT_TRUE(b->membership().joined);
  EXPECT_THAT(owned(*b), SizeIs(2));
  for (const OwnedPartition& each : b->membership().owned)
    EXPECT_THAT(before, testing::Not(testing::Contains(each)));
}

TEST_F(EmbeddedGroupTest, ARestartedStaticMemberMovesNothing) {
  auto a = join("a");
  const auto b = join("b");
  for (int i = 0; i < 2; ++i)
    for (Consumer* each : {a.get(), b.get()}) ASSERT_OK(each->serve());
  const auto mine = owned(*a);
  const std::uint64_t version = b->membership().version;
  ASSERT_OK(a->close());
  a = join("a");
  EXPECT_EQ(owned(*a), mine);
  ASSERT_OK(b->serve());
  EXPECT_EQ(b->membership().version, version);
}

TEST_F(EmbeddedGroupTest, WhatAStaticMemberGaveUpBeforeItRestartedWaitsForTheNextRebalance) {
  auto a = join("a");
  const auto b = join("b");
  ASSERT_OK(a->serve());
  ASSERT_THAT(owned(*a), SizeIs(2)) << "told, but has not come back without the others";
  a.reset();
  a = join("a");
  for (int i = 0; i < 3; ++i)
    for (Consumer* each : {a.get(), b.get()}) ASSERT_OK(each->serve());
  EXPECT_THAT(owned(*a), SizeIs(2));
  EXPECT_THAT(owned(*b), IsEmpty());
  EXPECT_EQ(world.broker->admin().describe_group("g")->state, "Stable");
  const auto c = join("c");
  for (int i = 0; i < 3; ++i)
    for (Consumer* each : {a.get(), b.get(), c.get()}) ASSERT_OK(each->serve());
  EXPECT_EQ(owned(*a).size() + owned(*b).size() + owned(*c).size(), 4U);
}

TEST_F(EmbeddedGroupTest, AStaticMemberThatRestartsBeforeItIsToldTakesPartInTheRebalance) {
  auto a = join("a");
  const auto b = join("b");
  a.reset();
  a = join("a");
  ASSERT_OK(b->serve());
  EXPECT_THAT(owned(*a), SizeIs(2));
  EXPECT_THAT(owned(*b), SizeIs(2));
}

TEST_F(EmbeddedGroupTest, ASecondLiveStaticMemberFencesTheFirst) {
  const auto first = join("a");
  const auto second = join("a");
  EXPECT_THAT(owned(*second), SizeIs(4));
  EXPECT_EQ(first->serve().code(), StatusCode::kFenced);
  EXPECT_FALSE(first->membership().joined);
  EXPECT_EQ(first->serve().code(), StatusCode::kFenced) << "for good";
  ASSERT_OK(second->serve());
}

TEST_F(EmbeddedGroupTest, RefusesAnotherSubscription) {
  ASSERT_OK(world.topic("other"));
  const auto a = join();
  const auto b = world.member("g");
  EXPECT_EQ(b->subscribe({"none"}).code(), StatusCode::kNotFound);
  ASSERT_OK(b->subscribe({"other"}));
  EXPECT_EQ(b->serve().code(), StatusCode::kFailed);
}

TEST_F(EmbeddedGroupTest, IsDescribedWithItsMembers) {
  Admin& admin = world.broker->admin();
  EXPECT_EQ(admin.describe_group("g")->state, "Dead");
  const auto a = join();
  const auto description = admin.describe_group("g");
  EXPECT_EQ(description->state, "Stable");
  ASSERT_THAT(description->members, SizeIs(1));
  EXPECT_EQ(description->members[0].client_id, "client");
  EXPECT_THAT(description->members[0].partitions, SizeIs(4));
  EXPECT_THAT(*admin.list_groups(), UnorderedElementsAre("g"));
  EXPECT_EQ(admin.delete_group("g").code(), StatusCode::kFailed);
  const auto b = join();
  EXPECT_EQ(admin.describe_group("g")->state, "PreparingRebalance");
  ASSERT_OK(a->close());
  ASSERT_OK(b->close());
  EXPECT_EQ(admin.describe_group("g")->state, "Empty");
  ASSERT_OK(admin.delete_group("g"));
  EXPECT_EQ(admin.delete_group("g").code(), StatusCode::kNotFound);
}

TEST(StickyAssignmentTest, SpreadsEvenlyAndMovesTheLeast) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; i < 10; ++i) partitions.push_back({"t", i});
  embedded::Assignment present;
  std::vector<std::string> members;
  for (const char* joining : {"a", "b", "c", "d"}) {
    members.emplace_back(joining);
    const auto next = embedded::assign_sticky(partitions, members, present);
    std::map<std::string, int> load;
    std::size_t moved = 0;
    for (const auto& [partition, member] : next) {
      ++load[member];
      moved += present.contains(partition) && present.at(partition) != member;
    }
    ASSERT_EQ(next.size(), 10U);
    const auto [least, most] =
        std::ranges::minmax_element(load, {}, [](const auto& each) { return each.second; });
    EXPECT_LE(most->second - least->second, 1);
    if (!present.empty()) {
      EXPECT_EQ(moved, static_cast<std::size_t>(load[joining])) << "only the newcomer gains";
    }
    present = next;
  }
  EXPECT_THAT(embedded::assign_sticky(partitions, {}, present), IsEmpty());
}

}  // namespace
}  // namespace millrace
