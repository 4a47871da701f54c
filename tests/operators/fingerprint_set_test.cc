#include "millrace/operators/fingerprint_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using ::testing::UnorderedElementsAreArray;

std::vector<Fingerprint> content(const FingerprintSet& set) {
  std::vector<Fingerprint> all;
  set.for_each([&](Fingerprint fingerprint) { all.push_back(fingerprint); });
  return all;
}

TEST(FingerprintSetTest, InsertTellsWhatIsNew) {
  FingerprintSet set;
  EXPECT_TRUE(set.insert({1, 2}));
  EXPECT_FALSE(set.insert({1, 2}));
  EXPECT_TRUE(set.insert({2, 1}));
  EXPECT_TRUE(set.insert({1, 3}));
  EXPECT_EQ(set.size(), 3u);
  EXPECT_TRUE(set.contains({1, 2}));
  EXPECT_FALSE(set.contains({3, 1}));
}

TEST(FingerprintSetTest, AllZeroFingerprintIsAnElementLikeAnyOther) {
  FingerprintSet set;
  EXPECT_FALSE(set.contains({}));
  EXPECT_TRUE(set.insert({}));
  EXPECT_FALSE(set.insert({}));
  EXPECT_TRUE(set.contains({}));
  EXPECT_EQ(set.size(), 1u);
  EXPECT_EQ(content(set), std::vector<Fingerprint>{Fingerprint{}});
  set.clear();
  EXPECT_FALSE(set.contains({}));
  EXPECT_TRUE(set.insert({0, 1})) << "half of it zero";
  EXPECT_TRUE(set.insert({1, 0}));
}

TEST(FingerprintSetTest, EmptySetOwnsNoMemory) {
  const FingerprintSet set;
  EXPECT_EQ(set.memory_bytes(), sizeof set);
  EXPECT_FALSE(set.contains({1, 1}));
  set.prefetch({1, 1});
  EXPECT_TRUE(content(set).empty());
}

TEST(FingerprintSetTest, HoldsWhatAReferenceSetHoldsThroughAllGrowth) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    // Few different low bits make clusters that are long and wrap around the end of the table.
    const std::uint64_t positions =
        seed % 3 == 0 ? ~std::uint64_t{0} : std::uint64_t{0xF0F} << (seed % 7);
    const std::uint64_t offset = seed % 2 == 0 ? ~positions : 0;
    FingerprintSet set;
    std::set<Fingerprint> reference;
    for (int i = 0; i < 1'000; ++i) {
      const Fingerprint fingerprint{(random() & positions) | offset, random() % 50};
      ASSERT_EQ(set.contains(fingerprint), reference.contains(fingerprint));
      ASSERT_EQ(set.insert(fingerprint), reference.insert(fingerprint).second);
      ASSERT_EQ(set.size(), reference.size());
    }
    EXPECT_THAT(content(set), UnorderedElementsAreArray(reference.begin(), reference.end()));
    for (const Fingerprint fingerprint : reference) ASSERT_TRUE(set.contains(fingerprint));
  }
}

TEST(FingerprintSetTest, TakesTwentyToFortyBytesForEach) {
  std::mt19937_64 random{5};
  FingerprintSet set;
  for (int i = 0; i < 100'000; ++i) {
    set.insert({random(), random()});
    if (i < 1'000) continue;
    const double bytes = static_cast<double>(set.memory_bytes()) / static_cast<double>(set.size());
    ASSERT_GE(bytes, 19.9);
    ASSERT_LE(bytes, 40.2);
  }
}

TEST(FingerprintSetTest, DoesNotAllocateUpToWhatWasReserved) {
  std::mt19937_64 random{6};
  FingerprintSet set;
  set.reserve(10'000);
  const std::size_t reserved = set.memory_bytes();
  for (int i = 0; i < 10'000; ++i) set.insert({random(), random()});
  EXPECT_EQ(set.memory_bytes(), reserved);
  set.reserve(5'000);
  EXPECT_EQ(set.memory_bytes(), reserved);
  set.reserve(20'000);
  EXPECT_GT(set.memory_bytes(), reserved);
  EXPECT_EQ(content(set).size(), 10'000u);
}

TEST(FingerprintSetTest, ClearKeepsTheMemoryAndAssignmentGivesItBack) {
  FingerprintSet set;
  for (std::uint64_t i = 1; i < 1'000; ++i) set.insert({i, i});
  const std::size_t bytes = set.memory_bytes();
  set.clear();
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.contains({1, 1}));
  EXPECT_EQ(set.memory_bytes(), bytes);
  set = {};
  EXPECT_EQ(set.memory_bytes(), sizeof set);
}

TEST(FingerprintSetTest, MovingLeavesAnEmptySetThatCanBeUsed) {
  FingerprintSet from;
  from.insert({1, 1});
  from.insert({});
  FingerprintSet to = std::move(from);
  EXPECT_EQ(to.size(), 2u);
  EXPECT_TRUE(from.empty());
  EXPECT_TRUE(from.insert({2, 2}));
  EXPECT_FALSE(to.contains({2, 2}));
}

TEST(FingerprintSetTest, PourIntoASmallerSetIsSpreadEvenly) {
  std::mt19937_64 random{7};
  FingerprintSet from;
  for (int i = 0; i < 200'000; ++i) from.insert({random(), random()});
  // A prefix of the order of for_each must not crowd any part of a small table: count by its low
  // bits.
  std::vector<int> crowd(1'024);
  int visited = 0;
  from.for_each([&](Fingerprint fingerprint) {
    if (visited++ < 50'000) ++crowd[fingerprint.low % (crowd.size() * 64) / 64];
  });
  for (const int count : crowd)
    ASSERT_LE(count, 110) << "49 on average; one part is begun a second time";
}

TEST(FingerprintSetTest, GivesAllAwayAscending) {
  std::mt19937_64 random{5};
  for (const std::size_t count : {0u, 1u, 51u, 5000u}) {
    FingerprintSet set;
    std::set<Fingerprint> all;
    for (std::size_t i = 0; i < count; ++i) {
      const Fingerprint print = i == 0 ? Fingerprint{} : Fingerprint{random(), random() % 3};
      set.insert(print);
      all.insert(print);
    }
    const FingerprintSet::Sorted sorted = set.take_sorted();
    EXPECT_EQ(std::vector<Fingerprint>(sorted.begin(), sorted.end()),
              std::vector<Fingerprint>(all.begin(), all.end()));
    EXPECT_EQ(sorted.size(), all.size());
    EXPECT_EQ(set.memory_bytes(), sizeof set);
    EXPECT_TRUE(set.empty());
    EXPECT_TRUE(set.insert({1, 2}));
    EXPECT_TRUE(set.insert({}));
  }
}

}  // namespace
}  // namespace millrace
