#include "millrace/framework/node_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "millrace/framework/decode_sample.h"
#include "millrace/tests/framework/null_producer.h"

namespace millrace {
namespace {

using testing::ElementsAre;

class FineClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return 0; }
  std::int64_t monotonic_ms() const override { return now_ns / 1'000'000; }
  std::int64_t monotonic_ns() const override {
    ++looks;
    return now_ns;
  }
  std::int64_t now_ns = 0;
  mutable int looks = 0;
};

TEST(ClockTest, WithoutAFinerOneNanosecondsAreWholeMilliseconds) {
  class Coarse final : public Clock {
    std::int64_t wall_ms() const override { return 0; }
    std::int64_t monotonic_ms() const override { return 7; }
  };
  EXPECT_EQ(static_cast<const Clock&>(Coarse()).monotonic_ns(), 7'000'000);
}

class NodeMeterTest : public testing::Test {
 protected:
  void SetUp() override { collector_.use(producer_, Guarantee::kExactlyOnce); }
  void work(std::int64_t ns, std::string_view sent = {}) {
    clock_.now_ns += ns;
    if (!sent.empty()) collector_.send({.topic = "out", .key = "k", .value = sent});
  }

  FineClock clock_;
  NullProducer producer_;
  Collector collector_{clock_};
  NodeMeter meter_{clock_, collector_};
};

TEST_F(NodeMeterTest, GivesEachNodeWhatPassesWhileItWorksItself) {
  NodeWork first, second;
  work(1, "before");
  {
    const NodeMeter::Turn turn(meter_, first);
    work(10, "12");
    {
      const NodeMeter::Turn inner(meter_, second);
      work(100, "123");
      work(0, "4");
    }
    work(1'000);
  }
  work(10'000, "after");
  const NodeMeter::Turn again(meter_, second);
  EXPECT_EQ(first, (NodeWork{.sent_records = 1, .sent_bytes = 3, .busy_ns = 1'010}));
  EXPECT_EQ(second, (NodeWork{.sent_records = 2, .sent_bytes = 6, .busy_ns = 100}));
}

TEST_F(NodeMeterTest, LooksAtTheClockTwiceATurn) {
  NodeWork node;
  { const NodeMeter::Turn turn(meter_, node); }
  EXPECT_EQ(clock_.looks, 2);
}

TEST_F(NodeMeterTest, ATurnThatThrowsEndsAsWell) {
  NodeWork first, second;
  const NodeMeter::Turn turn(meter_, first);
  try {
    const NodeMeter::Turn inner(meter_, second);
    work(5);
    throw 1;
  } catch (int) {
  }
  work(7);
  { const NodeMeter::Turn inner(meter_, second); }
  EXPECT_EQ(first.busy_ns, 7);
  EXPECT_EQ(second.busy_ns, 5);
}

/// Takes 10 ns for a record; an empty one is an error.
struct SlowCodec {
  using value_type = std::string;
  DecodeOutcome decode(const RecordView& record, Arena&, std::string& value) {
    clock->now_ns += 10;
    value = record.value;
    return {record.value.empty() ? RecordError::kEmpty : RecordError::kNone, {}};
  }
  std::string describe() const { return "slow"; }
  FineClock* clock;
};

class DecodeSampleTest : public testing::Test {
 protected:
  bool begin(const std::vector<RecordView>& records) {
    return sample_.begin(codec_, records, arena_, clock_, offset_);
  }
  /// A batch that takes 5 ns beside decoding. False if it is not in the sample.
  bool batch(const std::vector<RecordView>& records) {
    if (!begin(records)) return false;
    clock_.now_ns += 5;
    sample_.end(clock_, work_);
    return true;
  }

  FineClock clock_;
  SlowCodec codec_{&clock_};
  Arena arena_;
  DecodeSample<SlowCodec> sample_;
  NodeWork work_;
  std::int64_t offset_ = -1;
};

TEST_F(DecodeSampleTest, DecodesAllRecordsOfABatchInOrder) {
  ASSERT_TRUE(begin({{.value = "a"}, {.value = ""}, {.value = "c"}}));
  EXPECT_EQ(sample_[0].value, "a");
  EXPECT_TRUE(sample_[0].outcome.ok());
  EXPECT_EQ(sample_[1].outcome.error, RecordError::kEmpty);
  EXPECT_EQ(sample_[2].value, "c");
}

TEST_F(DecodeSampleTest, TellsTheOffsetOfTheRecordUnderWork) {
  ASSERT_TRUE(begin({{.value = "a", .offset = 7}, {.value = "b", .offset = 9}}));
  EXPECT_EQ(offset_, 9);
}

TEST_F(DecodeSampleTest, TakesOneBatchInSoMany) {
  std::vector<int> taken;
  for (int i = 0; i < 1'000; ++i)
    if (batch({{.value = "a"}, {.value = "b"}})) taken.push_back(i);
  EXPECT_THAT(taken, ElementsAre(0, 256, 512, 768));
  EXPECT_EQ(work_, (NodeWork{.sampled_decoding_ns = 4 * 20, .sampled_ns = 4 * 25}));
}

TEST_F(DecodeSampleTest, ABatchThatThrewIsNotInIt) {
  ASSERT_TRUE(begin({{.value = "a"}}));
  clock_.now_ns += 1'000;
  for (int i = 1; i < 256; ++i) EXPECT_FALSE(batch({{.value = "b"}}));
  EXPECT_TRUE(batch({{.value = "c"}}));
  EXPECT_EQ(work_, (NodeWork{.sampled_decoding_ns = 10, .sampled_ns = 15}));
}

}  // namespace
}  // namespace millrace
