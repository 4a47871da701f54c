#include "millrace/state/rocksdb/rocksdb_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <csignal>
#include <random>

#include "millrace/tests/state/state_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;

class RocksdbStateTest : public testing::Test {
 protected:
  /// Runs `work` in a process that is killed behind it.
  template <class Work>
  void in_killed_process(Work work) {
    world.in_child(
        [&] {
          if (world.open().ok() && work()) ::raise(SIGKILL);
          return "it failed";
        },
        testing::KilledBySignal(SIGKILL), "");
  }
  void reopen() {
    world.start_process();
    ASSERT_OK(world.open());
  }

  StateWorld world{Backend::kRocksdb};
};

TEST_F(RocksdbStateTest, KeepsStateAndPositionsInItsDirectory) {
  ASSERT_OK(world.open());
  world.store("users").put("a", "1");
  world.store("default").put("a", "2");
  ASSERT_OK(world.state->prepare(world.changelog));
  ASSERT_OK(world.state->apply(std::vector<std::int64_t>{4, 9}));
  reopen();
  EXPECT_THAT(world.contents("users"), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(world.contents("default"), ElementsAre(Pair("a", "2")));
  EXPECT_EQ(world.state->changelog_position("users"), 4);
  EXPECT_EQ(world.state->changelog_position("default"), 9);
  EXPECT_THAT(world.log.warnings, IsEmpty());
}

TEST_F(RocksdbStateTest, TellsWhatAStoreTakes) {
  ASSERT_OK(world.open());
  const auto empty = world.state->bytes("users");
  ASSERT_TRUE(empty);
  for (int i = 0; i < 1'000; ++i) world.store().put(fmt::format("{}", i), std::string(1'000, 'v'));
  ASSERT_OK(world.commit(4));
  EXPECT_GE(*world.state->bytes("users"), *empty + 1'000'000);
  EXPECT_LT(*world.state->bytes("default"), 1'000'000u);
}

TEST_F(RocksdbStateTest, RemembersSmallValuesThatAreLookedUpBeforeTheyChange) {
  const auto remembered = [this] { return world.memory()[MemoryOwner::kRepeatable]; };
  const auto change_all = [this](std::size_t value_bytes, bool look_up) {
    for (int i = 0; i < 1'000; ++i) {
      const std::string key = fmt::format("{}", i);
      if (look_up) world.store().get(key);
      world.store().put(key, std::string(value_bytes, 'v'));
    }
  };
  ASSERT_OK(world.open());
  change_all(10, false);
  ASSERT_OK(world.commit(1));
  EXPECT_EQ(remembered(), 0U) << "nobody asks for them";
  change_all(1'000, true);
  ASSERT_OK(world.commit(2));
  EXPECT_EQ(remembered(), 0U) << "large";
  change_all(10, true);
  ASSERT_OK(world.commit(3));
  EXPECT_GT(remembered(), 1'000U * 10);
  world.store().put("1", "new");
  world.state->discard();
  EXPECT_EQ(remembered(), 0U);
  EXPECT_EQ(world.store().get("1"), std::string(10, 'v'));
}

TEST_F(RocksdbStateTest, RemembersNoMoreThanItMay) {
  world.memory_bytes = 4 << 20;
  world.start_process();
  ASSERT_OK(world.open());
  for (int commit = 1; commit <= 20; ++commit) {
    for (int i = 0; i < 5'000; ++i) {
      const std::string key = fmt::format("{} {}", commit, i);
      world.store().get(key);
      world.store().put(key, std::string(100, 'v'));
    }
    ASSERT_OK(world.commit(commit));
    EXPECT_LE(world.memory()[MemoryOwner::kRepeatable], world.memory_bytes / 2);
  }
  EXPECT_GT(world.memory()[MemoryOwner::kRepeatable], 0U);
}

TEST_F(RocksdbStateTest, IsBehindAfterACrashBetweenTheTransactionAndTheDatabase) {
  ASSERT_OK(world.open());
  world.store().put("a", "1");
  ASSERT_OK(world.commit(4));
  world.store().put("a", "2");
  ASSERT_OK(world.state->prepare(world.changelog));
  reopen();
  EXPECT_EQ(world.state->changelog_position("users"), 4);
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", "1")));
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("a", "2")}, 5));
  ASSERT_OK(world.state->restored("users", 6));
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", "2")));
}

TEST_F(RocksdbStateTest, HasTheLastCommitOfAKilledProcess) {
  in_killed_process([&] {
    for (int i = 1; i <= 100; ++i) {
      world.store().put("a", std::to_string(i));
      world.store().put(std::to_string(i), std::string(1'000, 'x'));
      if (!world.commit(i).ok()) return false;
    }
    world.store().put("a", "not committed");
    return true;
  });
  reopen();
  EXPECT_EQ(world.state->changelog_position("users"), 100);
  EXPECT_EQ(world.contents().size(), 101u);
  EXPECT_EQ(*world.store().get("a"), "100");
}

// --- restore

TEST_F(RocksdbStateTest, GoesOnWithARestoreThatWasBrokenOff) {
  const std::string large(3 << 20, 'x');  // so much is written at once
  ASSERT_OK(world.open());
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("a", large)}, 10));
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("a", {})}, 11));
  reopen();
  ASSERT_EQ(world.state->changelog_position("users"), 10);
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("b", "1")}, 12));
  ASSERT_OK(world.state->restored("users", 13));
  reopen();
  EXPECT_EQ(world.state->changelog_position("users"), 13);
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", large), Pair("b", "1")));
}

TEST_F(RocksdbStateTest, RestoresTheLastOfEachKeyHoweverItIsWritten) {
  ASSERT_OK(world.open());
  for (const int size : {10, 100'000}) {  // few records, and so many that they make a table
    std::map<std::string, std::string> expected;
    std::mt19937 random(1);
    std::vector<std::string> keys;
    for (int i = 0; i < 100; ++i) keys.push_back(std::to_string(random() % 30));
    for (int i = 0; i < 100; ++i) {
      const std::string& key = keys[static_cast<std::size_t>(i)];
      const bool gone = i % 3 == 0;
      const std::string value(static_cast<std::size_t>(size), static_cast<char>('a' + i % 26));
      const RecordView record = changed(key, gone ? std::string_view() : std::string_view(value));
      ASSERT_OK(world.state->restore("users", {&record, 1}, i + 1));
      if (gone)
        expected.erase(key);
      else
        expected[key] = value;
    }
    ASSERT_OK(world.state->restored("users", 101));
    EXPECT_EQ(world.contents(), expected);
    EXPECT_THAT(world.contents("default"), IsEmpty());
  }
}

/// Several tables, made while others are collected; keys begin alike, are prefixes of each other,
/// and come in no order.
TEST_F(RocksdbStateTest, RestoresManyTablesToTheLastOfEachKey) {
  constexpr int kSeed = 3;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  ASSERT_OK(world.open());
  std::map<std::string, std::string> expected;
  for (int i = 1; i <= 4'000; ++i) {
    const std::string key =
        "customer-" + std::string(random() % 12, 'x') + std::to_string(random() % 50);
    const std::string value(5'000, static_cast<char>('a' + i % 26));
    const bool gone = random() % 5 == 0;
    const RecordView record = changed(key, gone ? std::string_view() : std::string_view(value));
    ASSERT_OK(world.state->restore("users", {&record, 1}, i));
    if (gone)
      expected.erase(key);
    else
      expected[key] = value;
  }
  ASSERT_OK(world.state->restored("users", 4'001));
  EXPECT_EQ(world.contents(), expected);
  reopen();
  EXPECT_EQ(world.state->changelog_position("users"), 4'001);
  EXPECT_EQ(world.contents(), expected);
}

/// Whatever a crash leaves of a restore, everything below the position must be there.
TEST_F(RocksdbStateTest, ARestoreThatWasKilledFitsItsPosition) {
  constexpr int kBatches = 300;
  const auto key = [](int i) { return fmt::format("{:06}", i); };
  in_killed_process([&] {
    for (int i = 1; i <= kBatches; ++i) {
      const std::string name = key(i);
      const std::string value(50'000, static_cast<char>('a' + i % 26));
      for (const char* store : {"users", "default"})
        if (!world.state->restore(store, std::vector<RecordView>{changed(name, value)}, i).ok())
          return false;
    }
    return true;
  });
  reopen();
  for (const char* store : {"users", "default"}) {
    const auto position = static_cast<int>(world.state->changelog_position(store));
    EXPECT_GT(position, 0) << "something was written, or this shows nothing";
    EXPECT_LT(position, kBatches) << "something was lost, or this shows nothing";
    const Contents found = world.contents(store);
    for (int i = 1; i <= position; ++i) {
      ASSERT_TRUE(found.contains(key(i))) << store << " " << i;
      ASSERT_EQ(found.at(key(i)), std::string(50'000, static_cast<char>('a' + i % 26)));
    }
  }
}

TEST_F(RocksdbStateTest, AFinishedRestoreOutlivesAKillOfTheCommitAfterIt) {
  in_killed_process([&] {
    return world.state->restore("users", std::vector<RecordView>{changed("a", "1")}, 1).ok() &&
           world.state->restored("users", 2).ok() &&
           (world.store("default").put("b", "1"), world.commit(3).ok());
  });
  reopen();
  EXPECT_EQ(world.state->changelog_position("users"), 3);
  EXPECT_THAT(world.contents("users"), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(world.contents("default"), ElementsAre(Pair("b", "1")));
}

TEST_F(RocksdbStateTest, AStoreThatWasResetStaysEmpty) {
  ASSERT_OK(world.open());
  world.store("users").put("a", "1");
  world.store("default").put("a", "1");
  ASSERT_OK(world.commit(3));
  ASSERT_OK(world.state->reset("users"));
  reopen();
  EXPECT_EQ(world.state->changelog_position("users"), 0);
  EXPECT_THAT(world.contents("users"), IsEmpty());
  EXPECT_THAT(world.contents("default"), ElementsAre(Pair("a", "1")));
}

// --- the age of a directory: half of delete.retention.ms, which is 24 h

class RocksdbAgeTest : public RocksdbStateTest {
 protected:
  void SetUp() override {
    ASSERT_OK(world.open());
    world.store().put("a", "1");
    ASSERT_OK(world.state->prepare(world.changelog));
  }
  void apply() {
    ASSERT_OK(world.state->apply(std::vector<std::int64_t>{5, 5}));
    world.state.reset();
  }
  std::int64_t reopened_position() {
    EXPECT_OK(world.open());
    return world.state->changelog_position("users");
  }
};

TEST_F(RocksdbAgeTest, AYoungDirectoryIsUsed) {
  apply();
  world.clock.advance(12h - 1ms);
  EXPECT_EQ(reopened_position(), 5);
  EXPECT_THAT(world.log.warnings, IsEmpty());
}

TEST_F(RocksdbAgeTest, AnOldDirectoryIsRestoredAndTheLogSaysSo) {
  apply();
  world.clock.advance(12h);
  EXPECT_EQ(reopened_position(), 0);
  EXPECT_THAT(world.contents(), IsEmpty());
  EXPECT_THAT(world.log.warnings, testing::Contains(HasSubstr("too old")));
}

TEST_F(RocksdbAgeTest, AgeCountsFromBeforeTheTransactionNotFromTheWrite) {
  world.clock.advance(2h);  // a process that sleeps between the two
  apply();
  world.clock.advance(11h);
  EXPECT_EQ(reopened_position(), 0);
}

TEST_F(RocksdbAgeTest, AClockThatWasSetBackTellsNoAge) {
  apply();
  world.clock.set_wall(world.clock.wall_ms() - std::chrono::milliseconds(12h).count());
  EXPECT_EQ(reopened_position(), 0);
}

TEST_F(RocksdbAgeTest, AgeOfARestoreCountsFromItsBeginning) {
  apply();
  world.clock.advance(11h);
  ASSERT_EQ(reopened_position(), 5);
  world.clock.advance(2h);
  ASSERT_OK(world.state->restored("users", 7));
  world.state.reset();
  world.clock.advance(10h - 1ms);
  EXPECT_EQ(reopened_position(), 7);
  world.state.reset();
  world.clock.advance(1ms);
  EXPECT_EQ(reopened_position(), 0);
}

/// Its records may refer to tombstones that are as old as what it began with.
TEST_F(RocksdbAgeTest, ARestoreThatWasBrokenOffIsAsOldAsWhatItBeganWith) {
  apply();
  world.clock.advance(11h);
  ASSERT_EQ(reopened_position(), 5);
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("b", "1")}, 6));
  world.state.reset();
  world.clock.advance(1h);
  EXPECT_EQ(reopened_position(), 0);
}

TEST_F(RocksdbAgeTest, ARestoreThatLastsTooLongStartsOver) {
  apply();
  ASSERT_EQ(reopened_position(), 5);
  world.clock.advance(12h);
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("b", "1")}, 6));
  ASSERT_OK(world.state->restored("users", 7));
  EXPECT_EQ(world.state->changelog_position("users"), 0);
  EXPECT_THAT(world.contents(), IsEmpty());
  EXPECT_THAT(world.log.warnings, testing::Contains(HasSubstr("too long")));
  world.state.reset();
  EXPECT_EQ(reopened_position(), 0);
  ASSERT_OK(world.state->restored("users", 7));
  EXPECT_EQ(world.state->changelog_position("users"), 7);
}

TEST_F(RocksdbAgeTest, ATaskWithNothingToDoStaysYoungWithTheCommitsOfOthers) {
  apply();
  ASSERT_OK(world.open());
  for (int i = 0; i < 48; ++i) {
    world.clock.advance(1h);
    ASSERT_OK(world.commit(5));
  }
  world.state.reset();
  EXPECT_EQ(reopened_position(), 5);
}

// --- one process

TEST_F(RocksdbStateTest, ATaskIsHeldByOneStateAtATime) {
  ASSERT_OK(world.open());
  const auto second = world.make();
  EXPECT_EQ(second.status().code(), StatusCode::kRetry);
  EXPECT_THAT(second.status().message(), HasSubstr(world.task_directory()));
  world.state.reset();
  EXPECT_OK(world.open());
}

TEST_F(RocksdbStateTest, ATaskWithoutStoresNeedsNoDatabase) {
  world.stores.clear();
  ASSERT_OK(world.open());
  EXPECT_OK(world.commit());
  EXPECT_FALSE(std::filesystem::exists(world.task_directory()));
}

}  // namespace
}  // namespace millrace
