#include "millrace/operators/ultraloglog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace millrace {
namespace {

using ::testing::Each;
using ::testing::ElementsAreArray;

UltraLogLog filled(int precision, std::uint64_t seed, int count) {
  std::mt19937_64 random{seed};
  UltraLogLog sketch{precision};
  for (int i = 0; i < count; ++i) sketch.add(random());
  return sketch;
}

TEST(UltraLogLogTest, EstimatesZeroForNothing) { EXPECT_EQ(UltraLogLog{12}.estimate(), 0); }

TEST(UltraLogLogTest, SmallCountsAreAlmostExact) {
  for (const int count : {1, 2, 5, 10, 30})
    EXPECT_NEAR(filled(12, 17, count).estimate(), count, 0.02 * count + 0.01) << count;
}

TEST(UltraLogLogTest, ErrorIsThatOfThePaper) {
  // Many sketches along one stream each; the error of an estimate at 20,000 is nearly independent
  // of that at 10 times it.
  constexpr int kRuns = 60;
  const std::vector<int> counts{1'000, 20'000, 100'000};
  std::vector<double> squares(counts.size()), sums(counts.size());
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random{static_cast<std::uint64_t>(run) + 1};
    UltraLogLog sketch{12};
    int added = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      for (; added < counts[i]; ++added) sketch.add(random());
      const double error = sketch.estimate() / counts[i] - 1;
      EXPECT_LT(std::abs(error), 0.06);
      squares[i] += error * error;
      sums[i] += error;
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_LE(std::sqrt(squares[i] / kRuns), 0.0135) << counts[i] << ", seeds 1 to " << kRuns;
    EXPECT_LE(std::abs(sums[i] / kRuns), 0.005) << counts[i] << ", seeds 1 to " << kRuns;
  }
}

TEST(UltraLogLogTest, EstimatesTenMillion) {
  EXPECT_NEAR(filled(12, 4, 10'000'000).estimate() / 1e7, 1, 0.035);
}

TEST(UltraLogLogTest, EveryPrecisionEstimatesWithinItsError) {
  for (int precision = UltraLogLog::kMinPrecision; precision <= UltraLogLog::kMaxPrecision;
       ++precision) {
    const double error = 0.761 / std::sqrt(std::pow(2.0, precision));
    EXPECT_NEAR(filled(precision, 99, 50'000).estimate() / 50'000, 1, 4 * error) << precision;
  }
}

TEST(UltraLogLogTest, AddTellsWhetherItChangedTheSketch) {
  std::mt19937_64 random{1};
  UltraLogLog sketch{4};
  for (int i = 0; i < 2'000; ++i) {
    const UltraLogLog before = sketch;
    const std::uint64_t hash = random();
    const bool changed = sketch.add(hash);
    ASSERT_EQ(changed, !std::equal(before.registers().begin(), before.registers().end(),
                                   sketch.registers().begin()));
    ASSERT_FALSE(sketch.add(hash)) << "a second time";
  }
}

TEST(UltraLogLogTest, OrderAndRepetitionDoNotMatter) {
  std::mt19937_64 random{2};
  std::vector<std::uint64_t> hashes(5'000);
  for (auto& hash : hashes) hash = random();
  UltraLogLog forward{8}, backward{8};
  for (const auto hash : hashes) forward.add(hash);
  for (int twice = 0; twice < 2; ++twice)
    for (auto hash = hashes.rbegin(); hash != hashes.rend(); ++hash) backward.add(*hash);
  EXPECT_THAT(forward.registers(), ElementsAreArray(backward.registers()));
}

TEST(UltraLogLogTest, RegistersFollowThePaper) {
  // Precision 3: three bits choose the register, 61 are left, update values go from 1 to 62.
  UltraLogLog sketch{3};
  const auto hash = [](std::uint64_t index, int update) {
    return index << 61 | (update > 61 ? 0 : std::uint64_t{1} << (61 - update));
  };
  sketch.add(hash(5, 1));
  EXPECT_EQ(sketch.registers()[5], 4 * 1);
  sketch.add(hash(5, 2));
  EXPECT_EQ(sketch.registers()[5], 4 * 2 + 2);
  sketch.add(hash(5, 3));
  EXPECT_EQ(sketch.registers()[5], 4 * 3 + 3);
  sketch.add(hash(5, 5));
  EXPECT_EQ(sketch.registers()[5], 4 * 5 + 1);
  sketch.add(hash(5, 4));
  EXPECT_EQ(sketch.registers()[5], 4 * 5 + 3);
  EXPECT_FALSE(sketch.add(hash(5, 1)));
  sketch.add(hash(5, 62));
  EXPECT_EQ(sketch.registers()[5], 4 * 62);
  EXPECT_EQ(sketch.registers()[4], 0);
}

TEST(UltraLogLogTest, MergeIsTheSketchOfTheUnion) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    UltraLogLog left{6}, right{6}, both{6};
    for (int i = 0; i < 700; ++i) {
      const std::uint64_t hash = random();
      if (i % 3 != 0) left.add(hash);
      if (i % 3 != 1) right.add(hash);
      both.add(hash);
    }
    left.merge(right);
    EXPECT_THAT(left.registers(), ElementsAreArray(both.registers()));
    EXPECT_EQ(left.estimate(), both.estimate());
  }
}

TEST(UltraLogLogTest, MergingChangedRegistersIsEnough) {
  UltraLogLog from = filled(8, 3, 10'000), to = filled(8, 4, 100);
  UltraLogLog expected = to;
  expected.merge(from);
  for (std::size_t i = 0; i < from.registers().size(); ++i)
    to.merge_register(i, from.registers()[i]);
  EXPECT_THAT(to.registers(), ElementsAreArray(expected.registers()));
  EXPECT_FALSE(to.merge_register(7, from.registers()[7]));
}

TEST(UltraLogLogTest, ReducedIsTheSketchThatTheLowerPrecisionWouldHave) {
  for (const int count : {0, 1, 10, 1'000, 100'000}) {
    const UltraLogLog fine = filled(12, 8, count);
    for (const int precision : {3, 5, 11, 12})
      EXPECT_THAT(fine.reduced(precision).registers(),
                  ElementsAreArray(filled(precision, 8, count).registers()))
          << precision;
  }
  UltraLogLog coarse = filled(6, 1, 500);
  coarse.merge(filled(9, 1, 1'000));
  EXPECT_THAT(coarse.registers(), ElementsAreArray(filled(6, 1, 1'000).registers()));
}

TEST(UltraLogLogTest, EveryRegisterItMakesIsValidAndImpossibleOnesAreNot) {
  for (const int precision : {3, 12, 18}) {
    const UltraLogLog sketch = filled(precision, 5, 200'000);
    for (const std::uint8_t value : sketch.registers())
      ASSERT_TRUE(UltraLogLog::valid_register(value, precision));
  }
  for (const int impossible : {1, 2, 3, 5, 6, 7, 9, 11, 4 * 54, 255})
    EXPECT_FALSE(UltraLogLog::valid_register(static_cast<std::uint8_t>(impossible), 12))
        << impossible;
  EXPECT_TRUE(UltraLogLog::valid_register(4 * 53 + 3, 12));
}

TEST(UltraLogLogTest, FullRegistersHaveNoFiniteEstimate) {
  UltraLogLog sketch{3};
  for (std::size_t i = 0; i < 8; ++i) sketch.merge_register(i, 4 * 62 + 3);
  EXPECT_TRUE(std::isinf(sketch.estimate()));
}

TEST(UltraLogLogTest, ClearForgetsAll) {
  UltraLogLog sketch = filled(8, 1, 1'000);
  sketch.clear();
  EXPECT_THAT(sketch.registers(), Each(0));
  EXPECT_EQ(sketch.estimate(), 0);
}

}  // namespace
}  // namespace millrace
