#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

TEST(EmbeddedTransactionTest, MakesRecordsVisibleWithTheCommit) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.transactional("p");
  ASSERT_OK(producer->begin());
  ASSERT_OK(produce_all(*producer, "t", {"a", "b"}));
  EXPECT_THAT(all_values(world, "t"), IsEmpty());
  EXPECT_THAT(all_values(world, "t", false), ElementsAre("a", "b"));
  ASSERT_OK(producer->commit());
  EXPECT_THAT(all_values(world, "t"), ElementsAre("a", "b"));
  EXPECT_EQ(world.end("t"), 3) << "the marker has an offset";
}

TEST(EmbeddedTransactionTest, HidesAbortedRecordsAndStepsOverThem) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.transactional("p");
  ASSERT_OK(producer->begin());
  ASSERT_OK(produce_all(*producer, "t", {"lost"}));
  ASSERT_OK(producer->abort());
  ASSERT_OK(producer->begin());
  ASSERT_OK(produce_all(*producer, "t", {"kept"}));
  ASSERT_OK(producer->commit());
  ASSERT_OK(producer->begin());
  ASSERT_OK(produce_all(*producer, "t", {"lost too"}));
  ASSERT_OK(producer->abort());
  ASSERT_OK(producer->abort());  // nothing is open
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("kept"));
  EXPECT_EQ(consumer->position({"t", 0}), 6);
  EXPECT_EQ(consumer->high_watermark({"t", 0}), 6);
  EXPECT_THAT(all_values(world, "t", false), ElementsAre("lost", "kept", "lost too"));
}

TEST(EmbeddedTransactionTest, AnOpenTransactionHidesWhatIsBehindIt) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.transactional("p");
  const auto plain = world.plain();
  ASSERT_OK(produce_all(*plain, "t", {"before"}));
  ASSERT_OK(producer->begin());
  ASSERT_OK(produce_all(*producer, "t", {"open"}));
  ASSERT_OK(produce_all(*plain, "t", {"behind"}));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("before"));
  EXPECT_EQ(consumer->position({"t", 0}), 1);
  EXPECT_EQ(consumer->high_watermark({"t", 0}), 3);
  ASSERT_OK(producer->commit());
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("open", "behind"));
  EXPECT_EQ(consumer->position({"t", 0}), 4);
}

TEST(EmbeddedTransactionTest, InterleavedTransactionsEndIndependently) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto a = world.transactional("a");
  const auto b = world.transactional("b");
  ASSERT_OK(a->begin());
  ASSERT_OK(b->begin());
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(produce_all(*a, "t", {"a" + std::to_string(i)}));
    ASSERT_OK(produce_all(*b, "t", {"b" + std::to_string(i)}));
  }
  ASSERT_OK(b->commit());
  EXPECT_THAT(all_values(world, "t"), IsEmpty());
  ASSERT_OK(a->abort());
  EXPECT_THAT(all_values(world, "t"), ElementsAre("b0", "b1", "b2"));
}

TEST(EmbeddedTransactionTest, InitFencesTheFormerProducerAndAbortsItsTransaction) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto former = world.transactional("p");
  ASSERT_OK(former->begin());
  ASSERT_OK(produce_all(*former, "t", {"zombie"}));
  const auto successor = world.transactional("p");
  EXPECT_THAT(all_values(world, "t"), IsEmpty());
  EXPECT_EQ(former->produce(record("t", "more")).code(), StatusCode::kOk) << "only queued";
  EXPECT_EQ(former->flush(1s).code(), StatusCode::kFenced);
  EXPECT_EQ(former->commit().code(), StatusCode::kFenced);
  EXPECT_EQ(former->abort().code(), StatusCode::kFenced);
  ASSERT_OK(successor->begin());
  ASSERT_OK(produce_all(*successor, "t", {"good"}));
  ASSERT_OK(successor->commit());
  EXPECT_THAT(all_values(world, "t"), ElementsAre("good"));
}

TEST(EmbeddedTransactionTest, ATimedOutTransactionIsAbortedAndItsProducerFenced) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  const auto producer = world.transactional("p");
  const auto plain = world.plain();
  ASSERT_OK(producer->begin());
  ASSERT_OK(produce_all(*producer, "t", {"open"}));
  ASSERT_OK(produce_all(*plain, "t", {"behind"}));
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "t"));
  world.clock.advance(9'999ms);
  EXPECT_THAT(values(*consumer, "t"), IsEmpty());
  world.clock.advance(1ms);
  EXPECT_THAT(values(*consumer, "t"), ElementsAre("behind"));
  EXPECT_EQ(producer->commit().code(), StatusCode::kFenced);
}

TEST(EmbeddedTransactionTest, RefusesCallsOutOfOrder) {
  EmbeddedWorld world;
  ASSERT_OK(world.topic("t"));
  EXPECT_EQ(world.plain()->begin().code(), StatusCode::kInvalid);
  EXPECT_EQ(world.plain()->commit().code(), StatusCode::kInvalid);
  const auto producer = world.transactional("p");
  EXPECT_EQ(producer->produce(record("t", "x")).code(), StatusCode::kInvalid);
  EXPECT_EQ(producer->commit().code(), StatusCode::kInvalid);
  ASSERT_OK(producer->begin());
  EXPECT_EQ(producer->begin().code(), StatusCode::kInvalid);
}

class EmbeddedOffsetsTest : public testing::Test {
 protected:
  EmbeddedOffsetsTest() {
    EXPECT_OK(world.topic("in", 2));
    consumer = world.member("g");
    EXPECT_OK(consumer->subscribe({"in"}));
    EXPECT_OK(consumer->serve());
  }
  Result<std::vector<PartitionOffset>> committed() { return consumer->committed(partitions); }

  EmbeddedWorld world;
  std::unique_ptr<Consumer> consumer;
  const std::vector<TopicPartition> partitions = {{"in", 0}, {"in", 1}};
  const PartitionOffset sent{{"in", 0}, 5, "metadata"};
};

TEST_F(EmbeddedOffsetsTest, BecomeVisibleWithTheCommit) {
  const auto producer = world.transactional("p");
  ASSERT_OK(producer->begin());
  ASSERT_OK(producer->send_offsets({&sent, 1}, *consumer->group_metadata()));
  EXPECT_EQ(committed().status().code(), StatusCode::kRetry);
  EXPECT_EQ(world.broker->admin().committed("g", partitions).status().code(), StatusCode::kRetry);
  ASSERT_OK(producer->commit());
  const auto offsets = committed();
  ASSERT_TRUE(offsets.ok());
  EXPECT_EQ((*offsets)[0].offset, 5);
  EXPECT_EQ((*offsets)[0].metadata, "metadata");
  EXPECT_EQ((*offsets)[1].offset, PartitionOffset::kNone);
  EXPECT_EQ(world.broker->admin().group_offsets("g")->size(), 1U);
}

TEST_F(EmbeddedOffsetsTest, VanishWithTheAbort) {
  const auto producer = world.transactional("p");
  ASSERT_OK(producer->begin());
  ASSERT_OK(producer->send_offsets({&sent, 1}, *consumer->group_metadata()));
  ASSERT_OK(producer->abort());
  EXPECT_EQ(committed()->front().offset, PartitionOffset::kNone);
}

TEST_F(EmbeddedOffsetsTest, NeedTheGenerationOfTheGroup) {
  const auto stale = consumer->group_metadata();
  const auto second = world.member("g");
  ASSERT_OK(second->subscribe({"in"}));
  ASSERT_OK(second->serve());
  const auto producer = world.transactional("p");
  ASSERT_OK(producer->begin());
  EXPECT_EQ(producer->send_offsets({&sent, 1}, *stale).code(), StatusCode::kAbort);
  ASSERT_OK(consumer->serve());
  ASSERT_OK(producer->send_offsets({&sent, 1}, *consumer->group_metadata()));
  const auto gone = second->group_metadata();
  ASSERT_OK(second->close());
  EXPECT_EQ(producer->send_offsets({&sent, 1}, *gone).code(), StatusCode::kAbort);
  ASSERT_OK(producer->abort());
}

}  // namespace
}  // namespace millrace
