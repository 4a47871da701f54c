#include "millrace/framework/dead_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "millrace/tests/framework/recording_producer.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

RefusalCounts counts_of(std::uint64_t malformed, std::uint64_t empty) {
  RefusalCounts counts{};
  counts[static_cast<std::size_t>(RecordError::kMalformed)] = malformed;
  counts[static_cast<std::size_t>(RecordError::kEmpty)] = empty;
  return counts;
}

class DeadLettersTest : public testing::Test {
 protected:
  void SetUp() override { collector_.use(producer_, Guarantee::kExactlyOnce); }
  void refuse(RecordError error, std::int64_t offset = 7, std::string_view value = "x") {
    EXPECT_TRUE(letters_.refuse({"in", 3}, {.value = value, .offset = offset}, error, "why").ok());
  }
  std::vector<std::int64_t> last_offsets() const {
    std::vector<std::int64_t> offsets;
    for (const RefusedRecord& record : *letters_.last()) offsets.push_back(record.offset);
    return offsets;
  }

  ManualClock clock_;
  RecordingProducer producer_;
  Collector collector_{clock_};
  DeadLetters letters_{{BadRecordPolicy::kSkip, {}, 1}, collector_};
};

TEST_F(DeadLettersTest, CountsByReasonWhatIsCommitted) {
  refuse(RecordError::kMalformed);
  refuse(RecordError::kEmpty);
  refuse(RecordError::kMalformed);
  EXPECT_EQ(letters_.counts(), counts_of(0, 0));
  letters_.committed(5);
  EXPECT_EQ(letters_.counts(), counts_of(2, 1));
  refuse(RecordError::kEmpty);
  letters_.aborted();  // it comes again
  refuse(RecordError::kEmpty);
  letters_.committed(5);
  EXPECT_EQ(letters_.counts(), counts_of(2, 2));
}

TEST_F(DeadLettersTest, KeepsTheLastThatAreCommitted) {
  EXPECT_THAT(*letters_.last(), IsEmpty());
  refuse(RecordError::kMalformed, 40, std::string(2 * DeadLetters::kValueBytes, 'v'));
  EXPECT_THAT(*letters_.last(), IsEmpty());
  letters_.committed(1'000);
  ASSERT_THAT(last_offsets(), ElementsAre(40));
  const RefusedRecord& record = letters_.last()->front();
  EXPECT_EQ(record.partition, (TopicPartition{"in", 3}));
  EXPECT_EQ(record.error, RecordError::kMalformed);
  EXPECT_EQ(record.detail, "why");
  EXPECT_EQ(record.value, std::string(DeadLetters::kValueBytes, 'v'));
  EXPECT_EQ(record.committed_ms, 1'000);

  const auto before = letters_.last();
  refuse(RecordError::kEmpty, 41);
  letters_.aborted();
  letters_.committed(2'000);
  EXPECT_EQ(letters_.last(), before) << "nothing new: nothing is copied";

  for (std::int64_t offset = 50; offset < 53; ++offset) refuse(RecordError::kEmpty, offset);
  letters_.committed(3'000);
  EXPECT_THAT(last_offsets(), ElementsAre(40, 50, 51, 52));
  for (std::int64_t offset = 100; offset < 114; ++offset) refuse(RecordError::kEmpty, offset);
  letters_.committed(4'000);
  EXPECT_THAT(last_offsets(), AllOf(SizeIs(DeadLetters::kLast), Contains(51).Times(1),
                                    Contains(52).Times(1), Contains(50).Times(0)));
  for (std::int64_t offset = 200; offset < 1'000; ++offset) refuse(RecordError::kEmpty, offset);
  letters_.committed(5'000);
  std::vector<std::int64_t> newest(DeadLetters::kLast);
  std::iota(newest.begin(), newest.end(), std::int64_t{1'000} - std::int64_t{DeadLetters::kLast});
  EXPECT_EQ(last_offsets(), newest);
}

}  // namespace
}  // namespace millrace
