#include "millrace/framework/record_ages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

/// Records at these offsets, the first of which bears this timestamp, each later one 10 ms more.
std::vector<RecordView> records(std::int64_t first, std::int64_t end, std::int64_t timestamp_ms) {
  std::vector<RecordView> result;
  for (std::int64_t offset = first; offset < end; ++offset, timestamp_ms += 10)
    result.push_back({.value = "x", .offset = offset, .timestamp_ms = timestamp_ms});
  return result;
}

TEST(DurationHistogramTest, CountsIntoTheBucketWhoseBoundIsNotBelow) {
  DurationHistogram histogram;
  for (const std::int64_t ms : {-5, 0, 1}) histogram.add(ms);
  histogram.add(2, 3);
  histogram.add(600'000);
  histogram.add(600'001, 2);
  EXPECT_EQ(histogram.counts()[0], 3u);
  EXPECT_EQ(histogram.counts()[1], 3u);
  EXPECT_EQ(histogram.counts()[DurationHistogram::kBuckets - 2], 1u);
  EXPECT_EQ(histogram.counts()[DurationHistogram::kBuckets - 1], 2u);
  EXPECT_EQ(histogram.count(), 9u);
  EXPECT_EQ(histogram.sum_ms(), 1u + 6u + 3 * 600'000u + 2u);
  DurationHistogram twice = histogram;
  twice.add(histogram);
  EXPECT_EQ(twice.count(), 18u);
  EXPECT_EQ(twice.sum_ms(), 2 * histogram.sum_ms());
}

TEST(RecordAgesTest, AgesEndAtTheCommit) {
  RecordAges ages;
  DurationHistogram histogram;
  ages.read(records(0, 4, 1'000));
  ages.committed(4, 1'050, histogram);  // 50, 40, 30, 20 ms
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.sum_ms(), 140u);
  ages.committed(4, 9'000, histogram);
  EXPECT_EQ(histogram.count(), 4u);
}

TEST(RecordAgesTest, WhatIsHeldBackIsCountedWhenItIsCommitted) {
  RecordAges ages;
  DurationHistogram histogram;
  ages.read(records(0, 4, 1'000));
  ages.committed(2, 1'050, histogram);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.sum_ms(), 90u);
  ages.committed(4, 2'030, histogram);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.sum_ms(), 90u + 1'010u + 1'000u);
}

TEST(RecordAgesTest, WhatComesAgainIsCountedOnce) {
  RecordAges ages;
  DurationHistogram histogram;
  ages.read(records(0, 4, 1'000));
  ages.forget(1);
  ages.read(records(1, 2, 1'000));
  ages.committed(2, 1'000, histogram);
  EXPECT_EQ(histogram.count(), 2u);
}

TEST(RecordAgesTest, FewRecordsStandForLargeBatches) {
  RecordAges ages;
  DurationHistogram histogram;
  ages.read(records(0, 1'000, 1'000));
  ages.committed(1'000, 11'000, histogram);
  EXPECT_EQ(histogram.count(), 1'000u);
  EXPECT_EQ(histogram.sum_ms(), 250u * (10'000 + 7'500 + 5'000 + 2'500));
}

TEST(RecordAgesTest, MemoryIsBoundedAndNothingIsLeftOut) {
  RecordAges ages;
  DurationHistogram histogram;
  const auto count = static_cast<std::int64_t>(3 * RecordAges::kMostSamples);
  for (std::int64_t offset = 0; offset < count; ++offset) ages.read(records(offset, offset + 1, 0));
  ages.committed(count, 5, histogram);
  EXPECT_EQ(histogram.count(), static_cast<std::uint64_t>(count));
}

TEST(RecordAgesTest, RecordsWithoutATimestampHaveNoAge) {
  RecordAges ages;
  DurationHistogram histogram;
  const std::vector<RecordView> record{{.value = "x", .offset = 0}};
  ages.read(record);
  ages.committed(1, 5, histogram);
  EXPECT_EQ(histogram.count(), 0u);
}

}  // namespace
}  // namespace millrace
