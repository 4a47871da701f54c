#include "millrace/state/overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "millrace/tests/allocation_counter.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::string> keys_within(Overlay& overlay, std::string_view from, std::string_view to) {
  std::vector<std::string> keys;
  for (const std::uint32_t index : overlay.within(from, to))
    keys.emplace_back(overlay[index].key());
  return keys;
}

TEST(OverlayTest, FindsKeysAmongManyAndForgetsThem) {
  Overlay overlay;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10'000; ++i) overlay.put(std::to_string(i), std::to_string(i + round));
    for (int i = 0; i < 10'000; ++i) {
      const Overlay::Entry* entry = overlay.find(std::to_string(i));
      ASSERT_NE(entry, nullptr);
      ASSERT_EQ(entry->value(), std::to_string(i + round));
    }
    EXPECT_EQ(overlay.find("10000"), nullptr);
    overlay.clear();
    EXPECT_EQ(overlay.find("1"), nullptr);
    EXPECT_TRUE(overlay.empty());
  }
}

TEST(OverlayTest, FindsTheKeysOfARangeHoweverOftenItIsAsked) {
  Overlay overlay;
  for (int round = 0; round < 2; ++round) {
    overlay.put("d", "");
    overlay.put("a", "");
    for (int i = 0; i < 50; ++i) {  // from some call on, the order is kept
      EXPECT_THAT(keys_within(overlay, "a", {}), ElementsAre("a", "d"));
      EXPECT_THAT(keys_within(overlay, "b", "d"), IsEmpty());
    }
    overlay.erase("c");
    overlay.put("d", "again");
    EXPECT_THAT(keys_within(overlay, "b", {}), ElementsAre("c", "d"));
    EXPECT_THAT(keys_within(overlay, "", "d"), ElementsAre("a", "c"));
    overlay.clear();
    EXPECT_THAT(keys_within(overlay, "", {}), IsEmpty());
  }
}

TEST(OverlayTest, SortsKeysAsTextsCompare) {
  Overlay overlay;
  const std::vector<std::string> ascending{
      "", std::string(1, '\0'), "a", std::string("a\0", 2), "abcdefgh", "abcdefghi", "b", "\xff"};
  for (const int i : {5, 2, 7, 0, 3, 6, 1, 4})
    overlay.put(ascending[static_cast<std::size_t>(i)], "");
  std::vector<std::string> keys;
  for (const std::uint32_t index : overlay.sorted()) keys.emplace_back(overlay[index].key());
  EXPECT_EQ(keys, ascending);
}

TEST(OverlayTest, JoinsErasedRangesThatTouch) {
  Overlay overlay;
  overlay.erase_range("b", "d");
  overlay.erase_range("f", "h");
  overlay.erase_range("k", "m");
  overlay.erase_range("d", "e");
  EXPECT_THAT(overlay.ranges(), ElementsAre(Pair("b", "e"), Pair("f", "h"), Pair("k", "m")));
  overlay.erase_range("c", "g");
  EXPECT_THAT(overlay.ranges(), ElementsAre(Pair("b", "h"), Pair("k", "m")));
  overlay.erase_range("a", "z");
  EXPECT_THAT(overlay.ranges(), ElementsAre(Pair("a", "z")));
  EXPECT_TRUE(overlay.in_erased_range("a"));
  EXPECT_FALSE(overlay.in_erased_range("z"));
}

TEST(OverlayTest, ErasedRangesLieBelowLaterPuts) {
  Overlay overlay;
  overlay.put("b", "1");
  overlay.erase_range("a", "c");
  EXPECT_TRUE(overlay.find("b")->erased);
  overlay.put("b", "2");
  EXPECT_FALSE(overlay.find("b")->erased);
  EXPECT_EQ(overlay.find("b")->value(), "2");
}

TEST(OverlayTest, AllocatesNothingForKeysThatItHas) {
  Overlay overlay;
  overlay.put("key", "0123456789");
  const std::uint64_t before = allocations();
  for (int i = 0; i < 1'000; ++i) {
    overlay.put("key", "9876543210");
    ASSERT_NE(overlay.find("key"), nullptr);
    ASSERT_EQ(overlay.find("other"), nullptr);
  }
  EXPECT_EQ(allocations(), before);
}

std::optional<std::string> value_of(Overlay& overlay, std::string_view key) {
  const Overlay::Entry* entry = overlay.find(key);
  if (entry == nullptr || entry->erased) return std::nullopt;
  return std::string(entry->value());
}

TEST(OverlayTest, RemembersWhatIsCommittedWithoutCallingItAChange) {
  Overlay overlay;
  overlay.put("a", "1");
  overlay.put("b", "2");
  overlay.erase("c");
  overlay.settle();
  EXPECT_TRUE(overlay.empty());
  EXPECT_EQ(overlay.changed_bytes(), 0U);
  EXPECT_THAT(overlay.changes(), IsEmpty());
  EXPECT_THAT(overlay.sorted(), IsEmpty());
  EXPECT_THAT(keys_within(overlay, "", {}), IsEmpty());
  EXPECT_EQ(value_of(overlay, "a"), "1");
  EXPECT_EQ(value_of(overlay, "b"), "2");
  ASSERT_NE(overlay.find("c"), nullptr);
  EXPECT_TRUE(overlay.find("c")->erased);

  overlay.put("b", "3");
  overlay.put("c", "4");
  EXPECT_FALSE(overlay.empty());
  EXPECT_THAT(keys_within(overlay, "", {}), ElementsAre("b", "c"));
  EXPECT_EQ(value_of(overlay, "a"), "1");
  overlay.clear();
  EXPECT_EQ(overlay.find("a"), nullptr);
  EXPECT_EQ(overlay.find("b"), nullptr);
}

TEST(OverlayTest, RemembersNothingOfErasedRanges) {
  Overlay overlay;
  overlay.put("a", "1");
  overlay.put("b", "2");
  overlay.settle();
  overlay.erase_range("a", "b");
  EXPECT_EQ(overlay.find("a"), nullptr) << "the range says that it is gone";
  EXPECT_EQ(value_of(overlay, "b"), "2");
  overlay.settle();
  EXPECT_EQ(overlay.find("a"), nullptr);
  EXPECT_FALSE(overlay.in_erased_range("a"));
}

TEST(OverlayTest, ShrinksToWhatWasUsed) {
  constexpr int kKeys = 10'000;
  const std::string value(50, 'v');
  Overlay overlay;
  for (int i = 0; i < kKeys; ++i) overlay.put(std::to_string(i), value);
  overlay.settle();
  const std::size_t all = overlay.bytes();
  overlay.shrink(4 * all);  // forgets nothing but that they were used
  for (int i = 0; i < kKeys; i += 100) ASSERT_EQ(value_of(overlay, std::to_string(i)), value);
  overlay.shrink(all);
  EXPECT_LE(overlay.bytes(), all / 2);
  for (int i = 0; i < kKeys; ++i)
    ASSERT_EQ(overlay.find(std::to_string(i)) != nullptr, i % 100 == 0) << i;
  overlay.shrink(0);
  EXPECT_EQ(overlay.find("0"), nullptr);
}

}  // namespace
}  // namespace millrace
