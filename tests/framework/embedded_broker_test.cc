#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(EmbeddedBrokerTest, DeliversKeysValuesHeadersAndTimestamps) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.plain();
  const Header headers[] = {{"a", "1"}, {"b", {}}};
  OutgoingRecord full = record("t", "value", "key");
  full.timestamp_ms = 42;
  full.headers = headers;
  ASSERT_OK(producer->produce(full));
  ASSERT_OK(producer->produce(record("t", {}, "")));
  ASSERT_OK(producer->flush(std::chrono::seconds(1)));
  EXPECT_EQ(producer->delivered_offset({"t", 0}), 1);

  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  RecordBatch batch;
  ASSERT_OK(consumer->poll({"t", 0}, {}, batch));
  ASSERT_EQ(batch.records().size(), 2U);
  const RecordView& first = batch.records()[0];
  EXPECT_EQ(first.key, "key");
  EXPECT_EQ(first.value, "value");
  EXPECT_EQ(first.timestamp_ms, 42);
  ASSERT_EQ(first.headers.size(), 2U);
  EXPECT_EQ(first.headers[0].name, "a");
  EXPECT_EQ(first.headers[0].value, "1");
  EXPECT_EQ(first.headers[1].value.data(), nullptr);
  const RecordView& second = batch.records()[1];
  EXPECT_TRUE(second.has_key());
  EXPECT_FALSE(second.has_value());
  EXPECT_EQ(second.timestamp_ms, world.clock.wall_ms());
}

TEST(EmbeddedBrokerTest, PollKeepsToItsLimitsAndDeliversAtLeastOneRecord) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.plain();
  ASSERT_OK(produce_all(*producer, "t", {"aaaa", "bbbb", "cccc"}));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  RecordBatch batch;
  ASSERT_OK(consumer->poll({"t", 0}, {.records = 2, .bytes = 100}, batch));
  EXPECT_EQ(batch.records().size(), 2U);
  EXPECT_EQ(consumer->position({"t", 0}), 2);
  batch.reset();
  ASSERT_OK(consumer->seek({"t", 0}, 1));
  ASSERT_OK(consumer->poll({"t", 0}, {.records = 10, .bytes = 1}, batch));
  ASSERT_EQ(batch.records().size(), 1U);
  EXPECT_EQ(batch.records()[0].offset, 1);
}

TEST(EmbeddedBrokerTest, ReadsLargeLogsFromAnyOffset) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.plain();
  constexpr int kRecords = 20'000;
  for (int i = 0; i < kRecords; ++i)
    ASSERT_OK(producer->produce(record("t", std::to_string(i) + std::string(100, 'x'))));
  ASSERT_OK(producer->flush(std::chrono::seconds(1)));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  for (int start : {0, 1, 777, 9'999, 19'999}) {
    ASSERT_OK(consumer->seek({"t", 0}, start));
    RecordBatch batch;
    std::int64_t expected = start;
    do {
      batch.reset();
      ASSERT_OK(consumer->poll({"t", 0}, {.records = 700}, batch));
      for (const RecordView& each : batch.records()) ASSERT_EQ(each.offset, expected++);
    } while (!batch.empty());
    EXPECT_EQ(expected, kRecords);
  }
}

TEST(EmbeddedBrokerTest, RefusesPositionsOutsideTheLog) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t", 7));
  RecordBatch batch;
  const Status status = consumer->poll({"t", 0}, {}, batch);
  EXPECT_EQ(status.code(), StatusCode::kFailed);
  EXPECT_THAT(status.message(), HasSubstr("offset 7 of t-0"));
}

TEST(EmbeddedBrokerTest, TellsTheHighWatermarkWithThePoll) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.plain();
  ASSERT_OK(produce_all(*producer, "t", {"a", "b"}));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  EXPECT_EQ(consumer->high_watermark({"t", 0}), std::nullopt);
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("a", "b"));
  EXPECT_EQ(consumer->high_watermark({"t", 0}), 2);
  ASSERT_OK(consumer->seek({"t", 0}, 0));
  EXPECT_EQ(consumer->high_watermark({"t", 0}), std::nullopt);
}

TEST(EmbeddedBrokerTest, RefusesTooLargeRecordsByNameAndSize) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t", 1, {{"max.message.bytes", "100"}}));
  const auto producer = world.plain();
  const Status status = producer->produce(record("t", std::string(200, 'x')));
  EXPECT_EQ(status.code(), StatusCode::kFailed);
  EXPECT_THAT(status.message(),
              testing::AllOf(HasSubstr("'t'"), HasSubstr("max.message.bytes=100")));
  ASSERT_OK(produce_all(*producer, "t", {"small"}));
  EXPECT_THAT(all_values(world, "t"), ElementsAre("small"));
}

TEST(EmbeddedBrokerTest, RefusesUnknownTopicsPartitionsAndKeylessRecordsOfCompactedTopics) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  ASSERT_OK(world.topic("compacted", 1, {{"cleanup.policy", "compact"}}));
  const auto producer = world.plain();
  EXPECT_EQ(producer->produce(record("none", "x")).code(), StatusCode::kFailed);
  EXPECT_EQ(producer->produce(record("t", "x", {}, 1)).code(), StatusCode::kFailed);
  EXPECT_EQ(producer->produce(record("compacted", "x")).code(), StatusCode::kFailed);
}

TEST(EmbeddedBrokerTest, StampsRecordsOfLogAppendTimeTopics) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t", 1, {{"message.timestamp.type", "LogAppendTime"}}));
  const auto producer = world.plain();
  OutgoingRecord old = record("t", "x");
  old.timestamp_ms = 1;
  ASSERT_OK(producer->produce(old));
  ASSERT_OK(producer->flush(std::chrono::seconds(1)));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  RecordBatch batch;
  ASSERT_OK(consumer->poll({"t", 0}, {}, batch));
  EXPECT_EQ(batch.records().front().timestamp_ms, world.clock.wall_ms());
}

TEST(EmbeddedBrokerTest, CreatesDescribesAndDeletesTopics) {
  EmbeddedWorld world;
  Admin& admin = world.broker->admin();
  ASSERT_OK(world.topic("t", 3, {{"retention.ms", "-1"}}));
  EXPECT_EQ(world.topic("t").code(), StatusCode::kExists);
  EXPECT_EQ(admin.describe_topic("t")->partitions, 3);
  EXPECT_EQ(admin.topic_configs("t")->at("retention.ms"), "-1");
  EXPECT_EQ(admin.topic_configs("t")->at("cleanup.policy"), "delete");
  EXPECT_EQ(admin.describe_topic("none").status().code(), StatusCode::kNotFound);
  const Status unknown = world.topic("u", 1, {{"no.such.setting", "1"}});
  EXPECT_EQ(unknown.code(), StatusCode::kInvalid);
  EXPECT_THAT(unknown.message(), HasSubstr("no.such.setting"));
  EXPECT_EQ(world.topic("u", 1, {{"cleanup.policy", "burn"}}).code(), StatusCode::kInvalid);
  EXPECT_EQ(world.topic("not a name").code(), StatusCode::kInvalid);
  ASSERT_OK(admin.delete_topic("t"));
  EXPECT_THAT(*admin.list_topics(), IsEmpty());
}

TEST(EmbeddedBrokerTest, ProducerFollowsATopicThatIsDeletedAndCreatedAnew) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.plain();
  ASSERT_OK(produce_all(*producer, "t", {"old"}));
  ASSERT_OK(world.broker->admin().delete_topic("t"));
  EXPECT_EQ(producer->produce(record("t", "lost")).code(), StatusCode::kFailed);
  ASSERT_OK(world.topic("t"));
  ASSERT_OK(produce_all(*producer, "t", {"new"}));
  EXPECT_THAT(all_values(world, "t"), ElementsAre("new"));
}

TEST(EmbeddedBrokerTest, DeletesRecordsBelowAnOffset) {
  EmbeddedWorld world;
  Admin& admin = world.broker->admin();
  ASSERT_OK(world.topic("t"));
  ASSERT_OK(world.topic("compacted", 1, {{"cleanup.policy", "compact"}}));
  const auto producer = world.plain();
  ASSERT_OK(produce_all(*producer, "t", {"a", "b", "c"}));
  const PartitionOffset before{{"t", 0}, 2, {}};
  ASSERT_OK(admin.delete_records({&before, 1}));
  EXPECT_EQ(admin.list_offsets({&before.partition, 1}, OffsetSpec::kEarliest)->front(), 2);
  EXPECT_EQ(world.end("t"), 3);
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t", 2));
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("c"));
  ASSERT_OK(consumer->seek({"t", 0}, 0));
  RecordBatch batch;
  EXPECT_EQ(consumer->poll({"t", 0}, {}, batch).code(), StatusCode::kFailed);
  const PartitionOffset refused{{"compacted", 0}, 0, {}};
  EXPECT_THAT(admin.delete_records({&refused, 1}).message(), HasSubstr("cleanup.policy=compact"));
  const PartitionOffset beyond{{"t", 0}, 9, {}};
  EXPECT_EQ(admin.delete_records({&beyond, 1}).code(), StatusCode::kFailed);
}

TEST(EmbeddedBrokerTest, RefusesMisuseOfAssignments) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  EXPECT_EQ(assign(*consumer, "t").code(), StatusCode::kInvalid);
  EXPECT_EQ(assign(*consumer, "none").code(), StatusCode::kNotFound);
  const TopicPartition partition{"t", 0};
  ASSERT_OK(consumer->unassign({&partition, 1}));
  EXPECT_EQ(consumer->unassign({&partition, 1}).code(), StatusCode::kInvalid);
  RecordBatch batch;
  EXPECT_EQ(consumer->poll(partition, {}, batch).code(), StatusCode::kInvalid);
}

}  // namespace
}  // namespace millrace
