#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "millrace/apps/integers/integer_generator.h"
#include "millrace/tests/allocation_counter.h"

namespace millrace {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

std::vector<std::vector<std::int64_t>> by_partition(const IntegerOptions& options) {
  std::vector<std::vector<std::int64_t>> integers(static_cast<std::size_t>(options.partitions));
  IntegerGenerator generator{options};
  for (PartitionedInteger each; generator.next(each);)
    integers[static_cast<std::size_t>(each.partition)].push_back(each.value);
  return integers;
}

std::vector<std::size_t> sizes(const std::vector<std::vector<std::int64_t>>& partitions) {
  std::vector<std::size_t> found;
  for (const auto& partition : partitions) found.push_back(partition.size());
  return found;
}

TEST(IntegerGeneratorTest, AscendsInEachPartition) {
  for (const auto& partition : by_partition({.count = 10'000, .max_value = 1'000'000}))
    EXPECT_TRUE(std::is_sorted(partition.begin(), partition.end()));
}

TEST(IntegerGeneratorTest, GivesAllPartitionsTheSameShare) {
  EXPECT_THAT(sizes(by_partition({.count = 1'003, .partitions = 4})),
              ElementsAre(250, 251, 251, 251));
  EXPECT_THAT(sizes(by_partition({.count = 2, .partitions = 4})), ElementsAre(0, 1, 0, 1));
}

TEST(IntegerGeneratorTest, GivesTheFirstPartitionTheShareOfTheSkew) {
  EXPECT_THAT(sizes(by_partition({.count = 1'000, .partitions = 3, .skew = 0.9})),
              ElementsAre(900, 50, 50));
  EXPECT_THAT(sizes(by_partition({.count = 1'000, .partitions = 3, .skew = 1.0})),
              ElementsAre(1'000, 0, 0));
  EXPECT_THAT(sizes(by_partition({.count = 1'000, .partitions = 3, .skew = 0.0})),
              ElementsAre(0, 500, 500));
}

// A uniform sample of 10,000 puts 2,500 into each quarter, give or take 43 (one standard
// deviation).
TEST(IntegerGeneratorTest, SpreadsEachPartitionOverTheWholeRange) {
  constexpr std::int64_t kMax = 1'000'000;
  for (const auto& partition :
       by_partition({.count = 20'000, .partitions = 2, .max_value = kMax})) {
    EXPECT_THAT(partition, Each(testing::AllOf(Ge(0), Le(kMax))));
    EXPECT_LT(partition.front(), kMax / 100);
    EXPECT_GT(partition.back(), kMax - kMax / 100);
    for (int quarter = 1; quarter < 4; ++quarter) {
      const auto below = std::lower_bound(partition.begin(), partition.end(), kMax * quarter / 4);
      EXPECT_NEAR(static_cast<double>(below - partition.begin()), 2'500.0 * quarter, 250);
    }
  }
}

TEST(IntegerGeneratorTest, RepeatsIntegersWhereTheRangeIsSmall) {
  const auto partitions = by_partition({.count = 1'000, .partitions = 1, .max_value = 9});
  for (std::int64_t value = 0; value <= 9; ++value)
    EXPECT_THAT(std::count(partitions[0].begin(), partitions[0].end(), value), Ge(50));
  EXPECT_THAT(by_partition({.count = 1'000, .partitions = 1, .max_value = 0})[0], Each(0));
}

TEST(IntegerGeneratorTest, DependsOnTheSeedAlone) {
  EXPECT_EQ(by_partition({.count = 1'000, .seed = 7}), by_partition({.count = 1'000, .seed = 7}));
  EXPECT_NE(by_partition({.count = 1'000, .seed = 7}), by_partition({.count = 1'000, .seed = 8}));
  const auto partitions = by_partition({.count = 1'000, .partitions = 2});
  EXPECT_NE(partitions[0], partitions[1]);
}

// What the program promises for a seed, on any machine.
TEST(IntegerGeneratorTest, KeepsItsSequence) {
  EXPECT_THAT(by_partition({.count = 6, .partitions = 2, .max_value = 999, .seed = 1}),
              ElementsAre(ElementsAre(83, 628, 629), ElementsAre(404, 406, 410)));
}

TEST(IntegerGeneratorTest, FillsAllPartitionsTogether) {
  const IntegerOptions options{.count = 100'000, .partitions = 3, .skew = 0.8};
  IntegerGenerator generator{options};
  std::vector<std::int64_t> written(3);
  for (PartitionedInteger each; generator.next(each);) {
    const auto partition = static_cast<std::size_t>(each.partition);
    ++written[partition];
    for (std::int32_t other = 0; other < 3; ++other) {
      const auto share = [&](std::size_t which) {
        return static_cast<double>(written[which]) /
               static_cast<double>(generator.count_of(static_cast<std::int32_t>(which)));
      };
      ASSERT_NEAR(share(partition), share(static_cast<std::size_t>(other)),
                  static_cast<double>(IntegerGenerator::kBurst + 1) / 80'000 + 1e-3);
    }
  }
  EXPECT_THAT(written, ElementsAre(80'000, 10'000, 10'000));
}

TEST(IntegerGeneratorTest, AllocatesNothingPerInteger) {
  IntegerGenerator generator{{.count = 100'000}};
  PartitionedInteger integer;
  const std::uint64_t before = allocations();
  while (generator.next(integer)) continue;
  EXPECT_EQ(allocations(), before);
}

TEST(IntegerGeneratorTest, TakesTheWholeRangeOfIts64Bits) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const auto partitions = by_partition({.count = 1'000, .partitions = 1, .max_value = most});
  EXPECT_TRUE(std::is_sorted(partitions[0].begin(), partitions[0].end()));
  EXPECT_THAT(partitions[0], Each(Ge(0)));
  EXPECT_GT(partitions[0].back(), most / 100 * 98);
}

}  // namespace
}  // namespace millrace
