#include "millrace/framework/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/framework/dead_letters.h"
#include "millrace/tests/framework/recording_producer.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class CollectorTest : public testing::Test {
 protected:
  void SetUp() override { collector_.use(producer_, Guarantee::kExactlyOnce); }
  void send(std::string_view value) { collector_.send({.topic = "out", .value = value}); }

  ManualClock clock_;
  RecordingProducer producer_;
  Collector collector_{clock_};
};

TEST_F(CollectorTest, OpensTheTransactionAtTheFirstRecordOnly) {
  EXPECT_FALSE(collector_.transaction_open());
  send("a");
  send("bc");
  EXPECT_TRUE(collector_.transaction_open());
  EXPECT_EQ(producer_.begun, 1);
  EXPECT_EQ(collector_.transaction_bytes(), 3 + 2 * Collector::kRecordBytes);
  collector_.finished();
  EXPECT_FALSE(collector_.transaction_open());
  EXPECT_EQ(collector_.transaction_bytes(), 0u);
}

TEST_F(CollectorTest, KeepsTheFirstErrorAndSendsNothingMoreUntilTheTransactionIsOver) {
  producer_.answers = {Status::abort("first"), Status::failed("second")};
  send("a");
  send("b");
  EXPECT_EQ(collector_.status().message(), "first");
  EXPECT_THAT(producer_.sent, IsEmpty());
  collector_.finished();
  EXPECT_TRUE(collector_.status().ok());
}

TEST_F(CollectorTest, KeepsTheErrorOfATransactionThatCannotBegin) {
  producer_.begin_status = Status::fenced("another");
  send("a");
  EXPECT_EQ(collector_.status().code(), StatusCode::kFenced);
  EXPECT_FALSE(collector_.transaction_open());
  EXPECT_THAT(producer_.sent, IsEmpty());
}

TEST_F(CollectorTest, WaitsForAFullProducer) {
  producer_.answers = {Status::retry("full"), Status::retry("full")};
  send("a");
  EXPECT_TRUE(collector_.status().ok());
  EXPECT_THAT(producer_.sent, SizeIs(1));
  EXPECT_EQ(producer_.polled, 2);
}

TEST_F(CollectorTest, CountsWhatIsSentAndHowLongTheProducerWasFull) {
  producer_.answers = {Status::retry("full"), Status::retry("full")};
  producer_.on_poll = [&](std::chrono::milliseconds time) { clock_.advance(time); };
  send("abc");
  collector_.finished();
  send("de");
  EXPECT_EQ(collector_.sent_records(), 2u);
  EXPECT_EQ(collector_.sent_bytes(), 5u);
  EXPECT_EQ(collector_.full_ms(), 20);
}

TEST_F(CollectorTest, GivesAProducerUpThatStaysFull) {
  producer_.answers.assign(10'000, Status::retry("full"));
  producer_.on_poll = [&](std::chrono::milliseconds time) { clock_.advance(time * 100); };
  send("a");
  EXPECT_EQ(collector_.status().code(), StatusCode::kAbort);
  EXPECT_THAT(collector_.status().message(), HasSubstr("'out'"));
}

// --- dead letters

constexpr std::string_view kBytes("\x00\xff{", 3);

TEST_F(CollectorTest, DeadLettersKeepKeyBytesAndHeadersAndSayWhereTheyCameFrom) {
  DeadLetters dead({BadRecordPolicy::kDeadLetter, "dead", 2}, collector_);
  const Header header{"trace", "77"};
  const RecordView record{"key", kBytes, 42, 1000, {&header, 1}};
  ASSERT_TRUE(dead.refuse({"in", 5}, record, RecordError::kFieldMissing, "uid").ok());
  ASSERT_THAT(producer_.sent, SizeIs(1));
  const auto& sent = producer_.sent[0];
  EXPECT_EQ(sent.topic, "dead");
  EXPECT_EQ(sent.partition, 1);
  EXPECT_EQ(sent.key, "key");
  EXPECT_EQ(sent.value, kBytes);
  EXPECT_EQ(sent.headers, (std::map<std::string, std::string>{{"trace", "77"},
                                                              {"millrace.topic", "in"},
                                                              {"millrace.partition", "5"},
                                                              {"millrace.offset", "42"},
                                                              {"millrace.timestamp", "1000"},
                                                              {"millrace.error", "field-missing"},
                                                              {"millrace.detail", "uid"}}));
}

TEST_F(CollectorTest, SkippedRecordsGoNowhere) {
  DeadLetters dead({BadRecordPolicy::kSkip, "", 1}, collector_);
  EXPECT_TRUE(dead.refuse({"in", 0}, {}, RecordError::kEmpty, "").ok());
  EXPECT_THAT(producer_.sent, IsEmpty());
  EXPECT_FALSE(collector_.transaction_open());
}

TEST_F(CollectorTest, AStopNamesTheRecordAndTheRemedy) {
  DeadLetters dead({BadRecordPolicy::kStop, "", 1}, collector_);
  EXPECT_TRUE(dead.stops());
  const Status status = dead.refuse({"in", 3}, {.offset = 9}, RecordError::kFieldWrongType, "ts");
  EXPECT_EQ(status.code(), StatusCode::kFailed);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("'in' partition 3 offset 9"), HasSubstr("field-wrong-type ts"),
                    HasSubstr("--dead-letter"), HasSubstr("--on-bad-record skip")));
}

}  // namespace
}  // namespace millrace
