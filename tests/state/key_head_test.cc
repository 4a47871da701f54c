#include "millrace/state/key_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace millrace {
namespace {

struct Item {
  std::uint64_t head;
  int number;
};

std::size_t shared(const std::vector<std::string>& keys) {
  SharedPrefix prefix;
  for (const std::string& key : keys) prefix.add(key);
  return prefix.size();
}

TEST(SharedPrefix, IsWhatAllKeysBeginWith) {
  EXPECT_EQ(shared({}), 0U);
  EXPECT_EQ(shared({"user-1"}), 6U);
  EXPECT_EQ(shared({"user-1", "user-2", "user-1"}), 5U);
  EXPECT_EQ(shared({"user-1", "us", "user-2"}), 2U);
  EXPECT_EQ(shared({"user-1", ""}), 0U);
}

/// Numbers compare as the texts do, or are equal where only a look at the rest can tell.
TEST(KeyHead, KeepsTheOrderOfKeysThatBeginAlike) {
  constexpr int kSeed = 1;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) {
    std::string key = "store";
    for (auto size = random() % 12; size > 0; --size) key += "\0\1a\xff"[random() % 4];
    keys.push_back(key);
  }
  const std::size_t prefix = shared(keys);
  ASSERT_EQ(prefix, 5U);
  for (const std::string& a : keys) {
    for (const std::string& b : keys) {
      if (key_head(a, prefix) < key_head(b, prefix)) {
        ASSERT_LT(a, b);
      }
    }
  }
}

TEST(SortByHead, SortsAndKeepsTheOrderOfEqualOnes) {
  constexpr int kSeed = 2;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<Item> items, scratch;
  for (int i = 0; i < 10'000; ++i) items.push_back({(random() % 500) * 0x0100'0000'0000'0003, i});
  std::vector<Item> expected = items;
  std::ranges::stable_sort(expected, {}, &Item::head);
  sort_by_head(items, scratch);
  ASSERT_EQ(items.size(), expected.size());
  for (std::size_t i = 0; i < items.size(); ++i) ASSERT_EQ(items[i].number, expected[i].number);
}

TEST(SortByKey, LooksAtTheRestWhereHeadsAreEqual) {
  struct Keyed {
    std::uint64_t head;
    std::string key;
    int number;
  };
  constexpr int kSeed = 3;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  std::vector<Keyed> items, scratch;
  for (int i = 0; i < 3'000; ++i) {
    const std::string key = std::string(4 + random() % 3, 'a') + std::to_string(random() % 1'000);
    items.push_back({key_head(key, 0), key, i});
  }
  std::vector<Keyed> expected = items;
  std::ranges::stable_sort(expected, {}, &Keyed::key);
  sort_by_key(items, scratch, &Keyed::key);
  ASSERT_EQ(items.size(), expected.size());
  for (std::size_t i = 0; i < items.size(); ++i) ASSERT_EQ(items[i].number, expected[i].number);
}

TEST(SortByHead, SortsNothingAndOne) {
  std::vector<Item> items, scratch;
  sort_by_head(items, scratch);
  EXPECT_TRUE(items.empty());
  items.push_back({7, 1});
  sort_by_head(items, scratch);
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].head, 7U);
}

}  // namespace
}  // namespace millrace
