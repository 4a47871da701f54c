#include "millrace/apps/program/newest_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kStart = 1'468'244'340;

WindowResult minute(int number, std::uint64_t users) {
  return {.start_s = kStart + 60 * number,
          .start = {},
          .duration_s = 60,
          .calendar = {},
          .users = users,
          .frames = 0,
          .frames_per_s = 0,
          .final = true,
          .revision = {}};
}

WindowResult month(std::int64_t start_s, std::int64_t days, std::uint64_t users) {
  WindowResult result = minute(0, users);
  result.start_s = start_s;
  result.duration_s = days * 86'400;
  result.calendar = "month";
  return result;
}

std::vector<std::uint64_t> users_after(const NewestResults& results, std::uint64_t number) {
  std::vector<std::uint64_t> users;
  for (const WindowResult* each : results.added_after(number)) users.push_back(each->users);
  return users;
}

TEST(NewestResultsTest, TellsWhatCameSinceANumberInThatOrder) {
  NewestResults results;
  EXPECT_THAT(users_after(results, 0), IsEmpty());
  results.add(minute(2, 12));
  results.add(minute(0, 10));
  EXPECT_THAT(users_after(results, 0), ElementsAre(12, 10));
  const std::uint64_t seen = results.last();
  EXPECT_THAT(users_after(results, seen), IsEmpty());
  results.add(minute(1, 11));
  EXPECT_THAT(users_after(results, seen), ElementsAre(11));
}

TEST(NewestResultsTest, KeepsTheLastWordOnAWindow) {
  NewestResults results;
  results.add(minute(0, 10));
  results.add(minute(1, 11));
  const std::uint64_t seen = results.last();
  results.add(minute(0, 20));
  EXPECT_THAT(users_after(results, 0), ElementsAre(11, 20));
  EXPECT_THAT(users_after(results, seen), ElementsAre(20));
}

TEST(NewestResultsTest, KeepsKindsOfWindowsApartThatBeginTogether) {
  NewestResults results;
  results.add(month(kStart, 31, 3));
  results.add(minute(0, 1));
  results.add(month(kStart + 31 * 86'400, 28, 4));
  EXPECT_THAT(users_after(results, 0), ElementsAre(3, 1, 4));
}

TEST(NewestResultsTest, ForgetsTheEarliestOfTheKindThatHasMost) {
  NewestResults results(4);
  results.add(month(0, 31, 100));
  for (int i = 0; i < 3; ++i) results.add(minute(i, static_cast<std::uint64_t>(i)));
  EXPECT_FALSE(results.forgot());
  results.add(minute(3, 3));
  EXPECT_TRUE(results.forgot());
  EXPECT_THAT(users_after(results, 0), ElementsAre(100, 1, 2, 3));
  results.add(minute(1, 7));  // one that is there: nothing is too many
  EXPECT_THAT(users_after(results, 0), ElementsAre(100, 2, 3, 7));
}

}  // namespace
}  // namespace millrace
