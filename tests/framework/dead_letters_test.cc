#include "millrace/framework/dead_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/tests/framework/recording_producer.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

RefusalCounts counts_of(std::uint64_t malformed, std::uint64_t empty) {
  RefusalCounts counts{};
  counts[static_cast<std::size_t>(RecordError::kMalformed)] = malformed;
  counts[static_cast<std::size_t>(RecordError::kEmpty)] = empty;
  return counts;
}

TEST(DeadLettersTest, CountsByReasonWhatIsCommitted) {
  ManualClock clock;
  RecordingProducer producer;
  Collector collector(clock);
  collector.use(producer, Guarantee::kExactlyOnce);
  DeadLetters letters({BadRecordPolicy::kSkip, {}, 1}, collector);
  const auto refuse = [&](RecordError error) {
    EXPECT_TRUE(letters.refuse({"in", 0}, {.value = "x", .offset = 7}, error, {}).ok());
  };
  refuse(RecordError::kMalformed);
  refuse(RecordError::kEmpty);
  refuse(RecordError::kMalformed);
  EXPECT_EQ(letters.counts(), counts_of(0, 0));
  letters.committed();
  EXPECT_EQ(letters.counts(), counts_of(2, 1));
  refuse(RecordError::kEmpty);
  letters.aborted();  // it comes again
  refuse(RecordError::kEmpty);
  letters.committed();
  EXPECT_EQ(letters.counts(), counts_of(2, 2));
}

}  // namespace
}  // namespace millrace
