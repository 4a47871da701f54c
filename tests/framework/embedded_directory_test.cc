#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

TEST(EmbeddedDirectoryTest, KeepsTopicsRecordsAndOffsets) {
  TemporaryDirectory directory;
  EmbeddedWorld world(directory.path());
  ASSERT_OK(world.topic("t", 2, {{"cleanup.policy", "compact,delete"}}));
  {
    const auto consumer = world.member("g");
    ASSERT_OK(consumer->subscribe({"t"}));
    ASSERT_OK(consumer->serve());
    const auto producer = world.transactional("p");
    ASSERT_OK(producer->begin());
    ASSERT_OK(producer->produce(record("t", "committed", "k")));
    const PartitionOffset offset{{"t", 0}, 7, "metadata"};
    ASSERT_OK(producer->send_offsets({&offset, 1}, *consumer->group_metadata()));
    ASSERT_OK(producer->commit());
    const auto plain = world.plain();
    ASSERT_OK(plain->produce(record("t", "plain", "l")));
    ASSERT_OK(plain->flush(1s));
  }
  world.close();
  world.open();
  EXPECT_EQ(world.broker->admin().describe_topic("t")->partitions, 2);
  EXPECT_EQ(world.broker->admin().topic_configs("t")->at("cleanup.policy"), "compact,delete");
  EXPECT_THAT(all_values(world, "t"), ElementsAre("committed", "plain"));
  EXPECT_EQ(world.end("t"), 3);
  const auto offsets = world.broker->admin().group_offsets("g");
  ASSERT_EQ(offsets->size(), 1U);
  EXPECT_EQ(offsets->front().offset, 7);
  EXPECT_EQ(offsets->front().metadata, "metadata");
  EXPECT_EQ(world.broker->admin().describe_group("g")->state, "Empty");
}

TEST(EmbeddedDirectoryTest, ForgetsOpenTransactionsAndKeepsTheEndBehindAbortedOnes) {
  TemporaryDirectory directory;
  EmbeddedWorld world(directory.path());
  ASSERT_OK(world.topic("t"));
  {
    const auto aborted = world.transactional("a");
    ASSERT_OK(aborted->begin());
    ASSERT_OK(produce_all(*aborted, "t", {"aborted"}));
    ASSERT_OK(aborted->abort());
    const auto open = world.transactional("o");
    ASSERT_OK(open->begin());
    ASSERT_OK(produce_all(*open, "t", {"open"}));
    const auto plain = world.plain();
    ASSERT_OK(produce_all(*plain, "t", {"behind"}));
    EXPECT_EQ(world.end("t"), 4);
  }
  world.close();
  world.open();
  EXPECT_EQ(world.end("t"), 4);
  EXPECT_THAT(all_values(world, "t"), ElementsAre("behind"));
}

TEST(EmbeddedDirectoryTest, SurvivesAKilledProcess) {
  TemporaryDirectory directory;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    EmbeddedWorld world(directory.path());
    bool good = world.topic("t").ok();
    const auto producer = world.transactional("p");
    good = good && producer->begin().ok() && produce_all(*producer, "t", {"a", "b"}).ok() &&
           producer->commit().ok();
    good = good && producer->begin().ok() && produce_all(*producer, "t", {"lost"}).ok();
    if (good) ::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EmbeddedWorld world(directory.path());
  EXPECT_THAT(all_values(world, "t"), ElementsAre("a", "b"));
}

TEST(EmbeddedDirectoryTest, ReadsBeyondItsTailFromAnyOffset) {
  TemporaryDirectory directory;
  EmbeddedWorld world(directory.path());
  world.close();
  world.tail_bytes = 16 << 10;
  world.open();
  ASSERT_OK(world.topic("t"));
  constexpr int kRecords = 10'000;
  const auto plain = world.plain();
  const auto producer = world.transactional("p");
  for (int i = 0; i < kRecords; i += 100) {
    // Every second hundred is part of a transaction; every fourth is aborted.
    const bool transaction = i % 200 == 0;
    Producer& writer = transaction ? *producer : *plain;
    if (transaction) ASSERT_OK(producer->begin());
    for (int k = i; k < i + 100; ++k)
      ASSERT_OK(writer.produce(record("t", std::to_string(k) + "," + std::string(200, 'x'))));
    ASSERT_OK(writer.flush(1s));
    if (transaction) ASSERT_OK(i % 400 == 0 ? producer->abort() : producer->commit());
  }
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  for (const std::int64_t start :
       {0LL, 50LL, 4'321LL, 9'900LL, static_cast<long long>(world.end("t"))}) {
    ASSERT_OK(consumer->seek({"t", 0}, start));
    std::int64_t last = start - 1;
    int count = 0;
    RecordBatch batch;
    do {
      batch.reset();
      ASSERT_OK(consumer->poll({"t", 0}, {.records = 333}, batch));
      for (const RecordView& each : batch.records()) {
        ASSERT_GT(each.offset, last);
        last = each.offset;
        ASSERT_NE(std::stoi(std::string(each.value)) % 400 / 100, 0) << "aborted";
        ++count;
      }
    } while (!batch.empty());
    EXPECT_EQ(consumer->position({"t", 0}), world.end("t"));
    if (start == 0) {
      EXPECT_EQ(count, kRecords * 3 / 4);
    }
  }
}

TEST(EmbeddedDirectoryTest, DeletedRecordsAndTopicsStayDeleted) {
  TemporaryDirectory directory;
  EmbeddedWorld world(directory.path());
  ASSERT_OK(world.topic("t"));
  ASSERT_OK(world.topic("gone"));
  {
    const auto producer = world.plain();
    ASSERT_OK(produce_all(*producer, "gone", {"x"}));
    ASSERT_OK(produce_all(*producer, "t", {"a", "b", "c"}));
  }
  const PartitionOffset before{{"t", 0}, 2, {}};
  ASSERT_OK(world.broker->admin().delete_records({&before, 1}));
  ASSERT_OK(world.broker->admin().delete_topic("gone"));
  world.close();
  world.open();
  EXPECT_EQ(
      world.broker->admin().list_offsets({&before.partition, 1}, OffsetSpec::kEarliest)->front(),
      2);
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t", 2));
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("c"));
  ASSERT_OK(world.topic("gone"));
  EXPECT_THAT(all_values(world, "gone"), IsEmpty());
}

TEST(EmbeddedDirectoryTest, RefusesASecondBrokerOnTheDirectory) {
  TemporaryDirectory directory;
  EmbeddedWorld world(directory.path());
  const auto second = open_embedded_broker(
      {.directory = directory.path(), .clock = world.clock, .log = null_log()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailed);
  EXPECT_THAT(second.status().message(),
              testing::AllOf(HasSubstr(directory.path()), HasSubstr("one process")));
}

TEST(EmbeddedDirectoryTest, RefusesADirectoryThatCannotBeMade) {
  HandClock clock;
  const auto broker =
      open_embedded_broker({.directory = "/dev/null/x", .clock = clock, .log = null_log()});
  ASSERT_FALSE(broker.ok());
  EXPECT_THAT(broker.status().message(), HasSubstr("/dev/null/x"));
}

}  // namespace
}  // namespace millrace
