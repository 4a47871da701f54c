// Groups: who owns what, from when to when.
#include "millrace/tests/broker/broker_fixture.h"

namespace millrace::contract {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class GroupContract : public BrokerContract {
 protected:
  static std::uint64_t acquired(const Consumer& of, const TopicPartition& partition) {
    for (const OwnedPartition& each : of.membership().owned) {
      if (each.partition == partition) return each.acquired;
    }
    return 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Brokers, GroupContract, testing::ValuesIn(kinds()), kind_name);

TEST_P(GroupContract, TheFirstMemberOwnsEverything) {
  const std::string group = unique("group"), input = topic(3);
  auto only = consumer(group);
  EXPECT_FALSE(only->membership().joined);
  EXPECT_EQ(only->group_metadata(), nullptr);
  EXPECT_THAT(only->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({only.get()}, [&] { return only->membership().owned.size() == 3; }));
  EXPECT_TRUE(only->membership().joined);
  EXPECT_GT(only->membership().version, 0U);
  EXPECT_NE(only->group_metadata(), nullptr);
  EXPECT_THAT(owned(*only), ElementsAre(TopicPartition{input, 0}, TopicPartition{input, 1},
                                        TopicPartition{input, 2}));
  EXPECT_THAT(only->close(), IsOk());
  EXPECT_FALSE(only->membership().joined);
  EXPECT_THAT(only->membership().owned, IsEmpty());
  EXPECT_EQ(only->group_metadata(), nullptr);
  EXPECT_THAT(only->close(), IsOk());
}

TEST_P(GroupContract, MembersShareAndKeptPartitionsKeepTheirAcquisition) {
  const std::string group = unique("group"), input = topic(4);
  auto first = member(group, input, 4);
  const Membership before = first->membership();
  auto second = consumer(group);
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), second.get()}, [&] {
    return first->membership().owned.size() == 2 && second->membership().owned.size() == 2;
  }));
  EXPECT_GT(first->membership().version, before.version);
  for (const OwnedPartition& kept : first->membership().owned) {
    EXPECT_THAT(before.owned, testing::Contains(kept));
  }
  std::vector<TopicPartition> all = owned(*first);
  for (const TopicPartition& each : owned(*second)) all.push_back(each);
  EXPECT_THAT(all, UnorderedElementsAre(TopicPartition{input, 0}, TopicPartition{input, 1},
                                        TopicPartition{input, 2}, TopicPartition{input, 3}));

  // What comes back was somebody else's in between.
  const TopicPartition moved = owned(*second).front();
  EXPECT_THAT(second->close(), IsOk());
  ASSERT_TRUE(served_until({first.get()}, [&] { return first->membership().owned.size() == 4; }));
  for (const OwnedPartition& old : before.owned) {
    if (old.partition == moved) {
      EXPECT_NE(acquired(*first, moved), old.acquired);
    }
  }
  EXPECT_THAT(first->close(), IsOk());
}

TEST_P(GroupContract, EveryNewGenerationRaisesTheVersionOfAllMembers) {
  const std::string group = unique("group"), input = topic(1);
  auto first = member(group, input, 1);
  const auto [_, version, owned_before] = first->membership();
  auto idle = consumer(group);
  EXPECT_THAT(idle->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), idle.get()}, [&] {
    return idle->membership().joined && first->membership().version > version;
  }));
  EXPECT_EQ(first->membership().owned, owned_before);
  EXPECT_THAT(idle->membership().owned, IsEmpty());
  const std::uint64_t with_both = first->membership().version;
  EXPECT_THAT(idle->close(), IsOk());
  ASSERT_TRUE(served_until({first.get()}, [&] { return first->membership().version > with_both; }));
  EXPECT_EQ(first->membership().owned, owned_before);
}

TEST_P(GroupContract, AMemberWithoutPartitionsLeavesAtOnce) {
  const std::string group = unique("group"), input = topic(1);
  auto first = member(group, input, 1);
  auto idle = consumer(group);
  EXPECT_THAT(idle->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), idle.get()}, [&] { return idle->membership().joined; }));
  ASSERT_THAT(idle->membership().owned, IsEmpty());
  EXPECT_THAT(idle->close(), IsOk());
  const auto described = admin().describe_group(group);
  ASSERT_THAT(described.status(), IsOk());
  EXPECT_EQ(described->members.size(), 1U);
}

TEST_P(GroupContract, ACrashedMembersPartitionsMoveWhenItsSessionEnds) {
  const std::string group = unique("group"), input = topic(2);
  auto first = member(group, input, 2);
  auto second = consumer(group);
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), second.get()}, [&] {
    return first->membership().owned.size() == 1 && second->membership().owned.size() == 1;
  }));
  second.reset();  // without close(): as a crash
  const auto crash = clock_.monotonic_ms();
  ASSERT_TRUE(served_until({first.get()}, [&] { return first->membership().owned.size() == 2; }));
  // Not at once, as after close(): the session must have run out, of which at most a heartbeat had
  // passed.
  EXPECT_GE(clock_.monotonic_ms() - crash, std::chrono::milliseconds{kSession}.count() / 2);
}

TEST_P(GroupContract, DataFlowsForAssignedPartitionsWhateverTheGroupSays) {
  const std::string group = unique("group"), input = topic(2), side = topic(1);
  auto out = producer();
  send(*out, input, 0, "lead");
  send(*out, side, 0, "side");
  flush(*out);
  auto first = member(group, input, 2);
  assign(*first, {side, 0});
  assign(*first, {input, 0});
  EXPECT_THAT(values(read(*first, {side, 0}, 1)), ElementsAre("side"));
  EXPECT_THAT(values(read(*first, {input, 0}, 1)), ElementsAre("lead"));

  auto second = consumer(group);
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), second.get()},
                           [&] { return second->membership().owned.size() == 1; }));
  for (int i = 0; i < 100; ++i) send(*out, side, 0, std::to_string(i));
  flush(*out);
  const auto more = read(*first, {side, 0}, 100);
  ASSERT_EQ(more.size(), 100U);  // none lost, none twice
  for (int i = 0; i < 100; ++i) EXPECT_EQ(more[static_cast<std::size_t>(i)].offset, i + 1);
  EXPECT_THAT(second->close(), IsOk());
  EXPECT_THAT(first->close(), IsOk());
}

TEST_P(GroupContract, AStaticMemberThatReturnsInTimeMovesNothing) {
  const std::string group = unique("group"), input = topic(2);
  auto first = member(group, input, 2, "one");
  auto second = consumer(group, "two");
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), second.get()}, [&] {
    return first->membership().owned.size() == 1 && second->membership().owned.size() == 1;
  }));
  const auto kept = owned(*second);
  const Membership before = first->membership();
  EXPECT_THAT(second->close(), IsOk());
  second = consumer(group, "two");
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), second.get()},
                           [&] { return second->membership().owned.size() == 1; }));
  EXPECT_EQ(owned(*second), kept);
  EXPECT_EQ(first->membership().owned, before.owned);
}

TEST_P(GroupContract, ASecondMemberWithTheSameInstanceIdFencesTheFirst) {
  const std::string group = unique("group"), input = topic(1);
  auto first = member(group, input, 1, "same");
  auto second = consumer(group, "same");
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({second.get()}, [&] { return second->membership().owned.size() == 1; }));
  Status status;
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (status.code() != StatusCode::kFenced && std::chrono::steady_clock::now() < end) {
    status = first->serve();
    if (status.code() != StatusCode::kFenced) first->wait(50ms);
  }
  EXPECT_THAT(status, HasCode(StatusCode::kFenced));
  EXPECT_FALSE(first->membership().joined);
}

TEST_P(GroupContract, MembersCommitOffsetsWithoutATransaction) {
  const std::string group = unique("group"), input = topic(2);
  auto only = member(group, input, 2);
  const std::vector<PartitionOffset> offsets{{{input, 0}, 7, "seven"}, {{input, 1}, 8, ""}};
  EXPECT_THAT(retried([&] { return only->commit(offsets); }), IsOk());
  const std::vector<TopicPartition> asked{{input, 1}, {input, 0}};
  const auto found = only->committed(asked);
  ASSERT_THAT(found.status(), IsOk());
  EXPECT_EQ(found->at(0).offset, 8);
  EXPECT_EQ(found->at(1).offset, 7);
  EXPECT_EQ(found->at(1).metadata, "seven");
  EXPECT_THAT(only->close(), IsOk());
  EXPECT_THAT(only->commit(offsets), HasCode(StatusCode::kAbort));
}

TEST_P(GroupContract, GroupsAreDescribedAndDeleted) {
  const std::string group = unique("group"), input = topic(2);
  EXPECT_EQ(admin().describe_group(group)->state, "Dead");
  auto only = member(group, input, 2, "instance");
  const auto described = admin().describe_group(group);
  ASSERT_TRUE(described.ok()) << described.status().message();
  EXPECT_EQ(described->state, "Stable");
  ASSERT_EQ(described->members.size(), 1U);
  EXPECT_EQ(described->members[0].client_id, "contract");
  EXPECT_EQ(described->members[0].instance_id, "instance");
  EXPECT_FALSE(described->members[0].member_id.empty());
  EXPECT_THAT(described->members[0].partitions,
              ElementsAre(TopicPartition{input, 0}, TopicPartition{input, 1}));
  EXPECT_THAT(admin().list_groups().value(), testing::Contains(group));
  EXPECT_THAT(admin().delete_group(group), HasCode(StatusCode::kFailed));
}

TEST_P(GroupContract, AGroupWithoutMembersCanBeDeleted) {
  const std::string group = unique("group"), input = topic(1);
  auto only = member(group, input, 1);
  EXPECT_THAT(only->close(), IsOk());
  EXPECT_EQ(admin().describe_group(group)->state, "Empty");
  EXPECT_THAT(admin().delete_group(group), IsOk());
  EXPECT_EQ(admin().describe_group(group)->state, "Dead");
}

}  // namespace
}  // namespace millrace::contract
