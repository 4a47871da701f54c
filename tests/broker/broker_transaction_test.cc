// Transactions: what readers see, who may commit.
#include "millrace/tests/broker/broker_fixture.h"

namespace millrace::contract {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;

class TransactionContract : public BrokerContract {};
INSTANTIATE_TEST_SUITE_P(Brokers, TransactionContract, testing::ValuesIn(kinds()), kind_name);

/// A producer that finds out that it is dead, or that it cannot say what became of its commit.
auto IsDead() { return AnyOf(HasCode(StatusCode::kFenced), HasCode(StatusCode::kUnknown)); }

TEST_P(TransactionContract, CommittedRecordsAreReadAndThePositionStepsOverTheMarker) {
  const TopicPartition to{topic(), 0};
  auto out = producer(unique("txn"));
  commit_values(*out, to.topic, {"a", "b"});
  auto reader = consumer();
  assign(*reader, to);
  EXPECT_THAT(values(read_to_end(*reader, to)), ElementsAre("a", "b"));
  EXPECT_EQ(reader->position(to), reader->high_watermark(to));
}

TEST_P(TransactionContract, AbortedRecordsAreReadByTheUncommittedOnly) {
  const TopicPartition to{topic(), 0};
  auto out = producer(unique("txn"));
  EXPECT_THAT(out->begin(), IsOk());
  send(*out, to.topic, 0, "aborted");
  flush(*out);
  EXPECT_THAT(retried([&] { return out->abort(); }), IsOk());
  commit_values(*out, to.topic, {"kept"});
  EXPECT_THAT(values(read_all(to)), ElementsAre("kept"));
  EXPECT_THAT(values(read_all(to, false)), ElementsAre("aborted", "kept"));
}

TEST_P(TransactionContract, AnAbortWithoutATransactionIsOk) {
  auto out = producer(unique("txn"));
  EXPECT_THAT(out->abort(), IsOk());
  EXPECT_THAT(out->begin(), IsOk());
  EXPECT_THAT(retried([&] { return out->abort(); }), IsOk());
  EXPECT_THAT(out->abort(), IsOk());
}

TEST_P(TransactionContract, AnEmptyTransactionCommits) {
  auto out = producer(unique("txn"));
  EXPECT_THAT(out->begin(), IsOk());
  EXPECT_THAT(retried([&] { return out->commit(); }), IsOk());
}

TEST_P(TransactionContract, AnOpenTransactionHidesEverythingBehindIt) {
  const TopicPartition to{topic(), 0};
  auto slow = producer(unique("txn"));
  EXPECT_THAT(slow->begin(), IsOk());
  send(*slow, to.topic, 0, "open");
  flush(*slow);
  auto plain = producer();
  send(*plain, to.topic, 0, "behind");
  flush(*plain);

  EXPECT_THAT(values(read_all(to, false)), ElementsAre("open", "behind"));
  auto reader = consumer();
  assign(*reader, to);
  // The end of the log is known, and nothing of it may be read.
  EXPECT_THAT(
      read(*reader, to, [&](const auto&) { return reader->high_watermark(to).has_value(); }),
      IsEmpty());
  EXPECT_EQ(reader->high_watermark(to), 2);
  EXPECT_EQ(reader->position(to), 0);
  EXPECT_THAT(admin().list_offsets({&to, 1}, OffsetSpec::kLatest).value(), ElementsAre(2));

  EXPECT_THAT(retried([&] { return slow->commit(); }), IsOk());
  EXPECT_THAT(values(read(*reader, to, 2)), ElementsAre("open", "behind"));
}

TEST_P(TransactionContract, ANewProducerFencesTheOldOneAndSettlesItsTransaction) {
  const TopicPartition to{topic(), 0};
  const std::string id = unique("txn");
  auto old = producer(id);
  EXPECT_THAT(old->begin(), IsOk());
  send(*old, to.topic, 0, "zombie");
  flush(*old);
  auto fresh = producer(id);
  commit_values(*fresh, to.topic, {"fresh"});
  EXPECT_THAT(retried([&] { return old->commit(); }), IsDead());
  EXPECT_THAT(values(read_all(to)), ElementsAre("fresh"));
}

TEST_P(TransactionContract, TheTransactionOfADestroyedProducerStaysOpenUntilItsSuccessorComes) {
  const TopicPartition to{topic(), 0};
  const std::string id = unique("txn");
  {
    auto old = producer(id);
    EXPECT_THAT(old->begin(), IsOk());
    send(*old, to.topic, 0, "left behind");
    flush(*old);
  }
  auto plain = producer();
  send(*plain, to.topic, 0, "other");
  flush(*plain);
  auto reader = consumer();
  assign(*reader, to);
  EXPECT_THAT(
      read(*reader, to, [&](const auto&) { return reader->high_watermark(to).has_value(); }),
      IsEmpty());
  auto fresh = producer(id);
  EXPECT_THAT(values(read(*reader, to, 1)), ElementsAre("other"));
}

TEST_P(TransactionContract, ATransactionThatTakesTooLongIsAbortedAndItsProducerFenced) {
  const TopicPartition to{topic(), 0};
  auto slow = producer(unique("txn"), 1s);
  EXPECT_THAT(slow->begin(), IsOk());
  send(*slow, to.topic, 0, "too late");
  flush(*slow);
  auto plain = producer();
  send(*plain, to.topic, 0, "waiting");
  flush(*plain);
  auto reader = consumer();
  assign(*reader, to);
  EXPECT_THAT(values(read(*reader, to, 1)), ElementsAre("waiting"));
  EXPECT_THAT(retried([&] { return slow->commit(); }), IsDead());
}

TEST_P(TransactionContract, OffsetsAndRecordsAreCommittedTogether) {
  const TopicPartition to{topic(), 0};
  const std::string group = unique("group"), input = topic(2);
  auto in = member(group, input, 2);
  auto out = producer(unique("txn"));
  const std::vector<PartitionOffset> offsets{{{input, 0}, 7, "seven"},
                                             {{input, 1}, 8, std::string(1000, 'z') + "\xc3\xa9"}};
  EXPECT_THAT(out->begin(), IsOk());
  send(*out, to.topic, 0, "result");
  EXPECT_THAT(retried([&] { return out->send_offsets(offsets, *in->group_metadata()); }), IsOk());
  EXPECT_THAT(retried([&] { return out->commit(); }), IsOk());

  const std::vector<TopicPartition> asked{{input, 1}, {input, 0}, {to.topic, 0}};
  std::vector<PartitionOffset> found;
  EXPECT_THAT(retried([&] {
                auto answer = in->committed(asked);
                if (answer.ok()) found = *answer;
                return answer.status();
              }),
              IsOk());
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].offset, 8);
  EXPECT_EQ(found[0].metadata, std::string(1000, 'z') + "\xc3\xa9");
  EXPECT_EQ(found[1].offset, 7);
  EXPECT_EQ(found[1].metadata, "seven");
  EXPECT_EQ(found[2].offset, PartitionOffset::kNone);
  EXPECT_THAT(values(read_all(to)), ElementsAre("result"));
}

TEST_P(TransactionContract, AbortedOffsetsAreNotCommitted) {
  const std::string group = unique("group"), input = topic();
  auto in = member(group, input, 1);
  auto out = producer(unique("txn"));
  const TopicPartition partition{input, 0};
  const PartitionOffset offset{partition, 7, "seven"};
  EXPECT_THAT(out->begin(), IsOk());
  EXPECT_THAT(retried([&] {
                return out->send_offsets({&offset, 1}, *in->group_metadata());
              }),
              IsOk());
  EXPECT_THAT(retried([&] { return out->abort(); }), IsOk());
  EXPECT_THAT(retried([&] {
                auto answer = in->committed({&partition, 1});
                if (answer.ok()) {
                  EXPECT_EQ(answer->at(0).offset, PartitionOffset::kNone);
                }
                return answer.status();
              }),
              IsOk());
}

TEST_P(TransactionContract, CommittedOffsetsAreStable) {
  const std::string group = unique("group"), input = topic();
  auto in = member(group, input, 1);
  auto out = producer(unique("txn"));
  const TopicPartition partition{input, 0};
  const PartitionOffset offset{partition, 7, ""};
  EXPECT_THAT(out->begin(), IsOk());
  EXPECT_THAT(retried([&] {
                return out->send_offsets({&offset, 1}, *in->group_metadata());
              }),
              IsOk());
  EXPECT_THAT(in->committed({&partition, 1}).status(), HasCode(StatusCode::kRetry));
  EXPECT_THAT(admin().committed(group, {&partition, 1}).status(), HasCode(StatusCode::kRetry));
  EXPECT_THAT(retried([&] { return out->commit(); }), IsOk());
  EXPECT_THAT(retried([&] {
                auto answer = admin().committed(group, {&partition, 1});
                if (answer.ok()) {
                  EXPECT_EQ(answer->at(0).offset, 7);
                }
                return answer.status();
              }),
              IsOk());
  const auto all = admin().group_offsets(group);
  ASSERT_TRUE(all.ok()) << all.status().message();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().offset, 7);
}

TEST_P(TransactionContract, AStaleGenerationAbortsAndTheSameProducerGoesOn) {
  const TopicPartition to{topic(), 0};
  const std::string group = unique("group"), input = topic(2);
  auto first = member(group, input, 2);
  auto out = producer(unique("txn"));
  const auto stale = first->group_metadata();
  auto second = consumer(group);
  EXPECT_THAT(second->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({first.get(), second.get()}, [&] {
    return first->membership().owned.size() == 1 && second->membership().owned.size() == 1;
  }));
  const PartitionOffset offset{{input, 0}, 3, ""};
  EXPECT_THAT(out->begin(), IsOk());
  send(*out, to.topic, 0, "stale");
  EXPECT_THAT(retried([&] {
                return out->send_offsets({&offset, 1}, *stale);
              }),
              HasCode(StatusCode::kAbort));
  EXPECT_THAT(retried([&] { return out->abort(); }), IsOk());

  // Members hear of a generation by serving: until the first has, its credentials are stale too.
  Status sent;
  ASSERT_TRUE(served_until({first.get(), second.get()}, [&] {
    EXPECT_THAT(out->begin(), IsOk());
    send(*out, to.topic, 0, "present");
    sent = retried([&] { return out->send_offsets({&offset, 1}, *first->group_metadata()); });
    if (sent.code() != StatusCode::kAbort) return true;
    EXPECT_THAT(retried([&] { return out->abort(); }), IsOk());
    return false;
  }));
  EXPECT_THAT(sent, IsOk());
  EXPECT_THAT(retried([&] { return out->commit(); }), IsOk());
  EXPECT_THAT(values(read_all(to)), ElementsAre("present"));
  EXPECT_THAT(second->close(), IsOk());
  EXPECT_THAT(first->close(), IsOk());
}

}  // namespace
}  // namespace millrace::contract
