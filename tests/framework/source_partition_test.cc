#include "millrace/framework/source_partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>

#include "millrace/tests/framework/recording_producer.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kHour = 3'600'000;

/// Values are event times in ms; what is none is refused; "throw" throws.
class TimeNode final : public SourceNode {
 public:
  std::size_t process(std::span<const RecordView> records, Arena&,
                      SourcePartition& source) override {
    for (std::size_t i = 0; i < records.size(); ++i) {
      std::int64_t time = 0;
      const std::string_view text = records[i].value;
      const bool good =
          std::from_chars(text.data(), text.data() + text.size(), time).ec == std::errc();
      if (text == "throw") {
        source.threw(records[i].offset, "unlucky");
      } else if (!good) {
        source.refuse(records[i], RecordError::kMalformed, "");
      } else if (source.admit(time, records[i].timestamp_ms) ==
                 SourcePartition::Admission::kAccept) {
        source.accepted(time);
        passed.push_back(time);
      }
      if (source.must_stop()) return i;
    }
    return records.size();
  }
  std::vector<std::int64_t> passed;
};

class SourcePartitionTest : public testing::Test {
 protected:
  void SetUp() override {
    collector_.use(producer_, Guarantee::kExactlyOnce);
    source_.configure_time(5000, JumpGuard(kHour));
  }
  void start(std::int64_t end = SourcePartition::kUnbounded) {
    source_.start({.offset = 0, .end_offset = end}, clock_.monotonic_ms());
  }
  /// Delivers these values at the next offsets, as one batch.
  Status deliver(const std::vector<std::string>& values) {
    batch_.reset();
    for (const std::string& value : values) batch_.append({}, value, next_++, -1);
    MILLRACE_RETURN_IF_ERROR(source_.process(batch_.records(), batch_.arena(), node_));
    source_.read_up_to(next_, next_, clock_.monotonic_ms());
    return source_.settle(batch_.arena(), node_);
  }
  SourceStatus status() const { return source_.status(clock_.monotonic_ms(), 5000); }

  ManualClock clock_;
  RecordingProducer producer_;
  Collector collector_{clock_};
  DeadLetters dead_{{BadRecordPolicy::kDeadLetter, "dead", 1}, collector_};
  RunCounters counters_;
  SourcePartition source_{{"in", 0}, dead_, counters_};
  TimeNode node_;
  RecordBatch batch_;
  std::int64_t next_ = 0;
};

std::vector<std::string> many(std::size_t count, const std::string& value) {
  return std::vector<std::string>(count, value);
}

TEST_F(SourcePartitionTest, TheWatermarkIsTheHighestTimeMinusTheLateness) {
  start(3);
  EXPECT_EQ(source_.watermark_ms(), kNoTime);
  ASSERT_TRUE(deliver({"1000", "9000", "2000"}).ok());
  EXPECT_EQ(source_.watermark_ms(), 4000);
  EXPECT_THAT(node_.passed, ElementsAre(1000, 9000, 2000));
  EXPECT_TRUE(source_.ended());
}

TEST_F(SourcePartitionTest, TheOffsetStaysBeforeAWaitingJump) {
  start();
  ASSERT_TRUE(deliver({"5", "6"}).ok());
  EXPECT_EQ(source_.offset(), 0);  // the first of the partition is a jump
  ASSERT_TRUE(deliver(many(6, "7")).ok());
  EXPECT_EQ(source_.offset(), 8);
  ASSERT_TRUE(deliver({std::to_string(2 * kHour), "8"}).ok());
  EXPECT_EQ(source_.offset(), 8);
  ASSERT_TRUE(deliver({"8"}).ok());
  EXPECT_EQ(source_.offset(), 11);
  EXPECT_THAT(producer_.sent, SizeIs(1));
  EXPECT_EQ(counters_.dead_lettered, 1u);
}

TEST_F(SourcePartitionTest, ARewindForgetsEverythingSinceTheCommit) {
  start();
  ASSERT_TRUE(deliver(many(8, "1000")).ok());
  source_.committed();
  ASSERT_TRUE(deliver({"900000", std::to_string(9 * kHour)}).ok());
  source_.rewind(clock_.monotonic_ms());
  EXPECT_EQ(source_.offset(), 8);
  EXPECT_EQ(source_.highest_ms(), 1000);
  EXPECT_EQ(source_.waiting_bytes(), 0u);
  EXPECT_FALSE(source_.caught_up());
}

/// Those that wait could not be read again after a restart, so they are among the lost.
TEST_F(SourcePartitionTest, WhatIsLostBeginsAtTheOffsetToCommit) {
  start();
  ASSERT_TRUE(deliver(many(8, "1000")).ok());
  source_.committed();
  ASSERT_TRUE(deliver({"2000", std::to_string(9 * kHour), "3000"}).ok());
  EXPECT_EQ(source_.offset(), 9);
  next_ = 20;
  source_.lose_up_to(20, clock_.monotonic_ms());
  EXPECT_EQ(counters_.lost, 11u);
  EXPECT_EQ(source_.offset(), 20);
  EXPECT_EQ(source_.highest_ms(), 2000);
  ASSERT_TRUE(deliver({"4000"}).ok());
  EXPECT_EQ(node_.passed.back(), 4000);
  EXPECT_EQ(source_.offset(), 21);
}

TEST_F(SourcePartitionTest, ABoundedRunLosesNothingBehindItsEnd) {
  start(10);
  ASSERT_TRUE(deliver({"1", "2", "3"}).ok());
  EXPECT_EQ(source_.offset(), 0);
  next_ = 12;
  source_.lose_up_to(12, clock_.monotonic_ms());
  EXPECT_EQ(counters_.lost, 10u);
  ASSERT_TRUE(deliver({"4"}).ok());
  EXPECT_TRUE(source_.ended());
  EXPECT_EQ(source_.offset(), 10);
  EXPECT_THAT(node_.passed, IsEmpty());
}

TEST_F(SourcePartitionTest, IsIdleOnlyAtTheEndOfTheLogAndAfterAQuietTime) {
  start();
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(status(), SourceStatus::kActive);  // the end of the log is not known yet
  ASSERT_TRUE(deliver({}).ok());
  EXPECT_EQ(status(), SourceStatus::kIdle);
  ASSERT_TRUE(deliver({"1"}).ok());
  EXPECT_EQ(status(), SourceStatus::kActive);
  clock_.advance(std::chrono::milliseconds(4999));
  EXPECT_EQ(status(), SourceStatus::kActive);
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(status(), SourceStatus::kIdle);
  source_.rewind(clock_.monotonic_ms());
  EXPECT_EQ(status(), SourceStatus::kActive);
}

TEST_F(SourcePartitionTest, TakesNothingBehindTheEndOfItsRun) {
  start(4);
  ASSERT_TRUE(deliver({"1", "2", "3", "4", "5", "6"}).ok());
  EXPECT_THAT(node_.passed, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(source_.offset(), 4);
  EXPECT_EQ(status(), SourceStatus::kEnded);
}

TEST_F(SourcePartitionTest, LooksForNoSuccessorBehindTheEndOfItsRun) {
  start(1);
  ASSERT_TRUE(deliver(many(8, "1")).ok());
  EXPECT_THAT(node_.passed, IsEmpty());
  EXPECT_THAT(producer_.sent, SizeIs(1));
  EXPECT_TRUE(source_.ended());
}

TEST_F(SourcePartitionTest, AnEndThatIsUnknownIsFoundWhenItIsReached) {
  start(SourcePartition::kEndUnknown);
  ASSERT_TRUE(deliver({"1", "2", "3"}).ok());
  EXPECT_EQ(source_.end_offset(), 3);
  EXPECT_TRUE(source_.ended());
}

TEST_F(SourcePartitionTest, SeeksBackWhenMoreWaitsThanItKeeps) {
  start();
  const std::string bulk(1 << 20, 'x');
  ASSERT_TRUE(deliver({"5"}).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(deliver({bulk}).ok());
  EXPECT_LE(source_.waiting_bytes(), SourcePartition::kWaitingBytes);
  ASSERT_TRUE(deliver(many(7, "6")).ok());
  const auto seek = source_.take_seek();
  ASSERT_TRUE(seek);
  EXPECT_GT(*seek, 0);
  EXPECT_LT(*seek, 11);
  EXPECT_EQ(source_.offset(), *seek);
  EXPECT_EQ(node_.passed.front(), 5);
  next_ = *seek;
  while (next_ < 11) ASSERT_TRUE(deliver({bulk}).ok());
  ASSERT_TRUE(deliver(many(7, "6")).ok());
  EXPECT_THAT(producer_.sent, SizeIs(10));
  EXPECT_EQ(counters_.dead_lettered, 10u);
  EXPECT_THAT(node_.passed, ElementsAre(5, 6, 6, 6, 6, 6, 6, 6));
}

TEST_F(SourcePartitionTest, ARecordWhoseProcessingThrewIsRefusedWhenItComesAgain) {
  start();
  ASSERT_TRUE(deliver(many(8, "1")).ok());
  source_.committed();
  EXPECT_EQ(deliver({"2", "throw", "3"}).code(), StatusCode::kAbort);
  source_.rewind(clock_.monotonic_ms());
  next_ = 8;
  ASSERT_TRUE(deliver({"2", "throw", "3"}).ok());
  ASSERT_THAT(producer_.sent, SizeIs(1));
  EXPECT_EQ(producer_.sent[0].headers.at("millrace.offset"), "9");
  EXPECT_EQ(producer_.sent[0].headers.at("millrace.error"), "user-exception");
  EXPECT_EQ(source_.offset(), 11);
}

}  // namespace
}  // namespace millrace
