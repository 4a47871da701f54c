// Records and partitions. One contract for all brokers; a real Kafka is the truth.
#include <thread>

#include "millrace/tests/broker/broker_fixture.h"

namespace millrace::contract {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::IsEmpty;
using testing::Pair;

INSTANTIATE_TEST_SUITE_P(Brokers, BrokerContract, testing::ValuesIn(kinds()), kind_name);

TEST(KafkaContract, IsRunWhenAnAddressIsGiven) {
  if (kafka_address() == nullptr)
    GTEST_SKIP() << "set MILLRACE_TEST_KAFKA=host:port, or use kafka_cluster run";
}

TEST_P(BrokerContract, DeliversKeysHeadersTimestampsInOrder) {
  const TopicPartition to{topic(), 0};
  auto out = producer();
  const std::vector<Header> headers{{"trace", "a"}, {"empty", ""}, {"trace", "b"}};
  EXPECT_THAT(out->produce({to.topic, 0, "key", "one", 1468244384000, headers}), IsOk());
  EXPECT_THAT(out->produce({to.topic, 0, {}, "two", 5, {}}), IsOk());
  flush(*out);

  const auto records = read_all(to);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].offset, 0);
  EXPECT_EQ(records[0].key, "key");
  EXPECT_EQ(records[0].value, "one");
  EXPECT_EQ(records[0].timestamp_ms, 1468244384000);
  EXPECT_THAT(records[0].headers,
              ElementsAre(Pair("trace", "a"), Pair("empty", ""), Pair("trace", "b")));
  EXPECT_EQ(records[1].offset, 1);
  EXPECT_EQ(records[1].key, std::nullopt);
  EXPECT_EQ(records[1].timestamp_ms, 5);
  EXPECT_THAT(records[1].headers, IsEmpty());
}

TEST_P(BrokerContract, KeepsNullAndEmptyApart) {
  const TopicPartition to{topic(), 0};
  auto out = producer();
  EXPECT_THAT(out->produce({to.topic, 0, "", "", 1, {}}), IsOk());
  EXPECT_THAT(out->produce({to.topic, 0, "k", {}, 1, {}}), IsOk());
  flush(*out);

  const auto records = read_all(to);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].key, "");
  EXPECT_EQ(records[0].value, "");
  EXPECT_EQ(records[1].value, std::nullopt);
}

TEST_P(BrokerContract, StampsARecordWithoutTimestampWithTheClock) {
  const TopicPartition to{topic(), 0};
  auto out = producer();
  const std::int64_t before = clock_.wall_ms();
  EXPECT_THAT(out->produce({to.topic, 0, {}, "now", RecordView::kNoTimestamp, {}}), IsOk());
  const std::int64_t after = clock_.wall_ms();
  flush(*out);
  EXPECT_THAT(read_all(to).at(0).timestamp_ms,
              testing::AllOf(testing::Ge(before), testing::Le(after)));
}

TEST_P(BrokerContract, RefusesUnknownTopicsAndPartitions) {
  const std::string known = topic(2);
  auto out = producer();
  EXPECT_THAT(out->produce({known, 2, {}, "x", 1, {}}), HasCode(StatusCode::kFailed));
  EXPECT_THAT(out->produce({unique("nowhere"), 0, {}, "x", 1, {}}), HasCode(StatusCode::kFailed));
}

TEST_P(BrokerContract, CountsQueuedBytesAndDeliveredOffsets) {
  const std::string to = topic(2);
  auto out = producer();
  EXPECT_EQ(out->delivered_offset({to, 1}), std::nullopt);
  send(*out, to, 1, "12345");
  send(*out, to, 1, "12345");
  EXPECT_GE(out->queued_bytes(), 10U);
  flush(*out);
  EXPECT_EQ(out->queued_bytes(), 0U);
  EXPECT_EQ(out->delivered_offset({to, 1}), 1);
  EXPECT_EQ(out->delivered_offset({to, 0}), std::nullopt);
}

TEST_P(BrokerContract, StopsABatchAtItsLimitsButDeliversOneRecordWhateverItsSize) {
  const TopicPartition from{topic(), 0};
  auto out = producer();
  for (int i = 0; i < 10; ++i)
    send(*out, from.topic, 0, std::string(1000, static_cast<char>('0' + i)));
  flush(*out);

  auto reader = consumer();
  assign(*reader, from);
  const auto next = [&](PollLimit limit) {
    std::vector<Consumed> got;
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (got.empty() && std::chrono::steady_clock::now() < end) {
      RecordBatch batch;
      EXPECT_THAT(reader->poll(from, limit, batch), IsOk());
      for (const RecordView& record : batch.records()) got.emplace_back(record);
      if (got.empty()) reader->wait(50ms);
    }
    return got;
  };
  EXPECT_EQ(next({1024, 1}).size(), 1U);
  EXPECT_EQ(reader->position(from), 1);
  EXPECT_EQ(next({1, 1 << 20}).size(), 1U);
  std::size_t rest = 0;
  while (rest < 8) {
    const std::size_t count = next({3, 1 << 20}).size();
    ASSERT_LE(count, 3U);
    ASSERT_GT(count, 0U);
    rest += count;
  }
  EXPECT_EQ(reader->position(from), 10);
}

TEST_P(BrokerContract, TellsTheHighWatermarkOnceKnown) {
  const TopicPartition from{topic(), 0};
  auto out = producer();
  for (int i = 0; i < 3; ++i) send(*out, from.topic, 0, "x");
  flush(*out);
  auto reader = consumer();
  assign(*reader, from, 1);
  EXPECT_EQ(reader->position(from), 1);
  EXPECT_EQ(read_to_end(*reader, from).size(), 2U);
  EXPECT_EQ(reader->high_watermark(from), 3);
  EXPECT_EQ(reader->position(from), 3);
}

TEST_P(BrokerContract, KnowsTheEndOfAnEmptyPartition) {
  const TopicPartition from{topic(), 0};
  auto reader = consumer();
  assign(*reader, from);
  EXPECT_THAT(read_to_end(*reader, from), IsEmpty());
  EXPECT_EQ(reader->high_watermark(from), 0);
  EXPECT_EQ(reader->position(from), 0);
}

TEST_P(BrokerContract, DeliversNothingFromBeforeASeek) {
  const TopicPartition from{topic(), 0};
  auto out = producer();
  for (int i = 0; i < 2000; ++i) send(*out, from.topic, 0, std::to_string(i));
  flush(*out);
  auto reader = consumer();
  assign(*reader, from);
  EXPECT_GE(read(*reader, from, 1).size(), 1U);
  for (const std::int64_t target : {1500, 0, 1999}) {
    ASSERT_THAT(reader->seek(from, target), IsOk());
    EXPECT_EQ(reader->position(from), target);
    EXPECT_EQ(read(*reader, from, 1).front().offset, target);
  }
  EXPECT_THAT(reader->seek(from, 2000), IsOk());
  EXPECT_THAT(read_to_end(*reader, from), IsEmpty());
}

TEST_P(BrokerContract, DeliversOnlyWhatIsAssigned) {
  const std::string from = topic(2);
  auto out = producer();
  send(*out, from, 0, "a");
  send(*out, from, 1, "b");
  flush(*out);
  auto reader = consumer();
  assign(*reader, {from, 0});
  assign(*reader, {from, 1});
  EXPECT_THAT(values(read(*reader, {from, 1}, 1)), ElementsAre("b"));
  const TopicPartition first{from, 0}, second{from, 1};
  EXPECT_THAT(reader->unassign({&second, 1}), IsOk());
  EXPECT_THAT(values(read(*reader, first, 1)), ElementsAre("a"));
  EXPECT_THAT(reader->unassign({&first, 1}), IsOk());
  // The same partition again, from its start.
  assign(*reader, second);
  EXPECT_THAT(values(read(*reader, second, 1)), ElementsAre("b"));
}

TEST_P(BrokerContract, FailsOnAnOffsetOutOfRange) {
  const TopicPartition from{topic(), 0};
  auto out = producer();
  send(*out, from.topic, 0, "x");
  flush(*out);
  auto reader = consumer();
  assign(*reader, from, 17);
  Status status;
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (status.ok() && std::chrono::steady_clock::now() < end) {
    RecordBatch batch;
    status = reader->poll(from, {}, batch);
    EXPECT_TRUE(batch.empty());
    if (status.ok()) reader->wait(50ms);
  }
  EXPECT_THAT(status, HasCode(StatusCode::kFailed));
  EXPECT_THAT(status.message(), testing::HasSubstr(from.topic));
  RecordBatch batch;
  EXPECT_THAT(reader->poll(from, {}, batch), HasCode(StatusCode::kFailed)) << "said once";
  // A seek to where there is something heals it.
  ASSERT_THAT(reader->seek(from, 0), IsOk());
  EXPECT_THAT(values(read(*reader, from, 1)), ElementsAre("x"));
}

TEST_P(BrokerContract, AWaitEndsWhenRecordsArrive) {
  const TopicPartition from{topic(), 0};
  auto reader = consumer();
  assign(*reader, from);
  EXPECT_THAT(read_to_end(*reader, from), IsEmpty());
  std::thread writer{[&] {
    auto out = producer();
    send(*out, from.topic, 0, "late");
    flush(*out);
  }};
  std::vector<Consumed> got;
  const auto begin = std::chrono::steady_clock::now();
  while (got.empty() && std::chrono::steady_clock::now() < begin + kDeadline) {
    reader->wait(kDeadline);
    RecordBatch batch;
    EXPECT_THAT(reader->poll(from, {}, batch), IsOk());
    for (const RecordView& record : batch.records()) got.emplace_back(record);
  }
  writer.join();
  EXPECT_THAT(values(got), ElementsAre("late"));
}

TEST_P(BrokerContract, AWakeupEndsAWaitUnderWayOrTheNext) {
  auto reader = consumer();
  const auto begin = std::chrono::steady_clock::now();
  reader->wakeup();
  reader->wait(kDeadline);
  std::thread other{[&] { reader->wakeup(); }};
  reader->wait(kDeadline);
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kDeadline);
}

TEST_P(BrokerContract, CreatesTopicsWithConfigs) {
  const std::string name = topic(3, {{"cleanup.policy", "compact"}, {"retention.ms", "-1"}});
  EXPECT_THAT(admin().create_topic({name, 3, -1, {}}), HasCode(StatusCode::kExists));
  EXPECT_THAT(admin().create_topic({unique("bad"), 1, -1, {{"no.such.config", "1"}}}),
              HasCode(StatusCode::kInvalid));
  const auto found = admin().describe_topic(name);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->partitions, 3);
  const auto configs = admin().topic_configs(name);
  ASSERT_TRUE(configs.ok()) << configs.status().message();
  EXPECT_EQ(configs->at("cleanup.policy"), "compact");
  EXPECT_EQ(configs->at("retention.ms"), "-1");
  const auto all = admin().list_topics();
  ASSERT_TRUE(all.ok());
  EXPECT_THAT(*all, testing::Contains(testing::Field(&TopicDescription::name, name)));
}

TEST_P(BrokerContract, DeletesTopicsAndCreatesThemAgain) {
  const std::string name = topic(2);
  EXPECT_THAT(admin().delete_topic(name), IsOk());
  EXPECT_THAT(admin().describe_topic(name).status(), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(admin().topic_configs(name).status(), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(admin().delete_topic(name), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(admin().create_topic({name, 1, -1, {}}), IsOk());
  EXPECT_EQ(admin().describe_topic(name)->partitions, 1);
}

TEST_P(BrokerContract, ANewTopicAnswersAtOnce) {
  const std::string name = topic(3);
  const std::vector<TopicPartition> all{{name, 0}, {name, 1}, {name, 2}};
  EXPECT_THAT(admin().list_offsets(all, OffsetSpec::kLatest).value(), ElementsAre(0, 0, 0));
}

TEST_P(BrokerContract, ListsOffsetsInTheOrderAsked) {
  const std::string name = topic(2);
  auto out = producer();
  for (int i = 0; i < 3; ++i) send(*out, name, 1, "x");
  flush(*out);
  const std::vector<TopicPartition> asked{{name, 1}, {name, 0}};
  EXPECT_THAT(admin().list_offsets(asked, OffsetSpec::kLatest).value(), ElementsAre(3, 0));
  EXPECT_THAT(admin().list_offsets(asked, OffsetSpec::kEarliest).value(), ElementsAre(0, 0));
}

TEST_P(BrokerContract, DeletesRecordsBelowAnOffset) {
  const TopicPartition from{topic(1, {{"cleanup.policy", "delete"}}), 0};
  auto out = producer();
  for (int i = 0; i < 5; ++i) send(*out, from.topic, 0, std::to_string(i));
  flush(*out);
  const PartitionOffset below{from, 3, {}};
  EXPECT_THAT(admin().delete_records({&below, 1}), IsOk());
  EXPECT_THAT(admin().list_offsets({&from, 1}, OffsetSpec::kEarliest).value(), ElementsAre(3));
  EXPECT_THAT(admin().list_offsets({&from, 1}, OffsetSpec::kLatest).value(), ElementsAre(5));
  auto reader = consumer();
  assign(*reader, from, 3);
  EXPECT_THAT(values(read_to_end(*reader, from)), ElementsAre("3", "4"));
}

TEST_P(BrokerContract, DoesNotDeleteRecordsOfACompactOnlyTopic) {
  const TopicPartition from{topic(1, {{"cleanup.policy", "compact"}}), 0};
  auto out = producer();
  EXPECT_THAT(out->produce({from.topic, 0, "k", "v", 1, {}}), IsOk());
  flush(*out);
  const PartitionOffset below{from, 1, {}};
  EXPECT_THAT(admin().delete_records({&below, 1}), HasCode(StatusCode::kInvalid));
}

}  // namespace
}  // namespace millrace::contract
