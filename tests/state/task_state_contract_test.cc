#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "millrace/tests/state/state_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::Pair;
using testing::UnorderedElementsAre;

/// What holds for every implementation of TaskState.
class TaskStateContract : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { ASSERT_OK(world.open()); }
  std::optional<std::string> get(std::string_view key) {
    const auto value = world.store().get(key);
    return value ? std::optional<std::string>(*value) : std::nullopt;
  }
  StateWorld world{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(All, TaskStateContract,
                         testing::Values(Backend::kMemory, Backend::kRemembering,
                                         Backend::kRocksdb),
                         name_of);

TEST_P(TaskStateContract, ReadsItsOwnWritesBeforeAndAfterTheCommit) {
  world.store().put("a", "1");
  world.store().put("b", "2");
  world.store().erase("b");
  EXPECT_THAT(get("a"), Optional(std::string("1")));
  EXPECT_EQ(get("b"), std::nullopt);
  ASSERT_OK(world.commit());
  EXPECT_THAT(get("a"), Optional(std::string("1")));
  world.store().put("a", "a longer value than before");
  EXPECT_THAT(get("a"), Optional(std::string("a longer value than before")));
  world.store().erase("a");
  EXPECT_EQ(get("a"), std::nullopt);
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.contents(), IsEmpty());
}

TEST_P(TaskStateContract, TakesAValueThatIsItsOwn) {
  world.store().put("a", "0123456789");
  world.store().put("a", world.store().get("a")->substr(3, 4));
  EXPECT_THAT(get("a"), Optional(std::string("3456")));
  ASSERT_OK(world.commit());
  world.store().put("b", *world.store().get("a"));
  EXPECT_THAT(get("b"), Optional(std::string("3456")));
}

/// Of a commit that was cut short, what has moved to another key must not be missing.
TEST_P(TaskStateContract, WritesTombstonesBehindValues) {
  world.store().put("a", "1");
  world.store().put("b1", "1");
  ASSERT_OK(world.commit());
  EXPECT_TRUE(world.changelog.values_last);
  world.store().erase("a");
  world.store().erase_range("b", "c");
  world.store().put("d", "1");
  ASSERT_OK(world.commit());
  EXPECT_FALSE(world.changelog.values_last);
  EXPECT_THAT(world.changelog.stores["users"], ElementsAre(Pair("d", "1")));
}

TEST_P(TaskStateContract, KeepsStoresApart) {
  world.store("users").put("a", "1");
  world.store("default").put("a", "2");
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.contents("users"), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(world.contents("default"), ElementsAre(Pair("a", "2")));
}

TEST_P(TaskStateContract, DiscardGoesBackToTheCommit) {
  world.store().put("a", "1");
  world.store().put("b", "1");
  ASSERT_OK(world.commit());
  EXPECT_FALSE(world.state->changed());
  world.store().put("a", "2");
  world.store().erase_range("b", "z");
  world.store().put("c", "3");
  EXPECT_TRUE(world.state->changed());
  EXPECT_GT(world.state->pending_bytes(), 0u);
  world.state->discard();
  EXPECT_FALSE(world.state->changed());
  EXPECT_EQ(world.state->pending_bytes(), 0u);
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
}

TEST_P(TaskStateContract, TellsAnEmptyValueFromNone) {
  world.store().put("a", "");
  world.store().put("", "empty key");
  ASSERT_OK(world.commit());
  EXPECT_THAT(get("a"), Optional(std::string()));
  EXPECT_THAT(get(""), Optional(std::string("empty key")));
  EXPECT_THAT(world.changelog.tombstones, IsEmpty());
  EXPECT_THAT(world.changelog.stores["users"], ElementsAre(Pair("", "empty key"), Pair("a", "")));
}

TEST_P(TaskStateContract, ScansTheCommitAndTheOverlayInOneOrder) {
  for (const char* key : {"a1", "b1", "b3", "b5", "c"}) world.store().put(key, "old");
  ASSERT_OK(world.commit());
  world.store().put("b0", "new");
  world.store().put("b3", "new");
  world.store().erase("b5");
  world.store().put("b6", "new");
  EXPECT_THAT(world.contents("users", "b"), ElementsAre(Pair("b0", "new"), Pair("b1", "old"),
                                                        Pair("b3", "new"), Pair("b6", "new")));
}

TEST_P(TaskStateContract, ScansPrefixesOfTheLastByte) {
  for (const char* key : {"\xfe", "\xff", "\xff\xff", "\xff\xff\x01"}) world.store().put(key, "v");
  ASSERT_OK(world.commit());
  world.store().put("\xff\xff\xff", "v");
  EXPECT_EQ(world.contents("users", "\xff\xff").size(), 3u);
  EXPECT_EQ(world.contents("users", "\xff").size(), 4u);
}

TEST_P(TaskStateContract, ErasesARangeWithoutItsEnd) {
  for (const char* key : {"a", "b", "c", "d"}) world.store().put(key, "1");
  ASSERT_OK(world.commit());
  world.store().put("bb", "1");
  world.store().erase_range("b", "d");
  world.store().erase_range("x", "x");
  world.store().erase_range("z", "a");
  world.store().put("c", "2");
  EXPECT_EQ(get("b"), std::nullopt);
  EXPECT_EQ(get("bb"), std::nullopt);
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", "1"), Pair("c", "2"), Pair("d", "1")));
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", "1"), Pair("c", "2"), Pair("d", "1")));
  EXPECT_EQ(world.changelog.stores["users"], world.contents());
  EXPECT_THAT(world.changelog.tombstones, ElementsAre("b")) << "bb came and went";
}

TEST_P(TaskStateContract, LooksManyKeysUpAtOnce) {
  for (int i = 0; i < 1'000; i += 2) world.store().put(std::to_string(i), std::to_string(i));
  ASSERT_OK(world.commit());
  world.store().put("1", "new");
  world.store().erase("2");
  world.store().erase_range("4", "40");
  std::vector<std::string> names;
  for (int i = 0; i < 1'000; ++i) names.push_back(std::to_string(i));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  std::map<std::size_t, std::optional<std::string>> found;
  world.store().get_many(keys, [&](std::size_t index, std::optional<std::string_view> value) {
    EXPECT_TRUE(
        found.emplace(index, value ? std::optional<std::string>(*value) : std::nullopt).second);
  });
  ASSERT_EQ(found.size(), keys.size());
  for (const auto& [index, value] : found) EXPECT_EQ(value, get(keys[index])) << keys[index];
  EXPECT_THAT(found[1], Optional(std::string("new")));
  EXPECT_EQ(found[4], std::nullopt);
  EXPECT_THAT(found[40], Optional(std::string("40")));
}

TEST_P(TaskStateContract, LogsEachChangedKeyOncePerCommit) {
  for (int i = 0; i < 10; ++i) world.store().put("a", std::to_string(i));
  world.store().put("b", "1");
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.changelog.puts, UnorderedElementsAre("a", "b"));
  world.changelog.puts.clear();
  world.store().erase("a");
  world.store().erase("a");
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.changelog.puts, IsEmpty());
  EXPECT_THAT(world.changelog.tombstones, ElementsAre("a"));
}

TEST_P(TaskStateContract, LogsNothingOfKeysThatCameAndWent) {
  world.store().put("a", "1");
  world.store().erase("a");
  world.store().erase("never there");
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.changelog.puts, IsEmpty());
  EXPECT_THAT(world.changelog.tombstones, IsEmpty());
}

TEST_P(TaskStateContract, RestoresWhatWasLogged) {
  const std::vector<RecordView> first{changed("a", "1"), changed("b", "1"), changed("c", "1")};
  const std::vector<RecordView> second{changed("b", {}), changed("c", "2"), changed("d", "")};
  EXPECT_EQ(world.state->changelog_position("users"), 0);
  ASSERT_OK(world.state->restore("users", first, 3));
  EXPECT_EQ(world.state->changelog_position("users"), 3);
  ASSERT_OK(world.state->restore("users", second, 6));
  ASSERT_OK(world.state->restored("users", 7));
  EXPECT_EQ(world.state->changelog_position("users"), 7);
  EXPECT_EQ(world.state->changelog_position("default"), 0);
  EXPECT_FALSE(world.state->changed());
  EXPECT_THAT(world.contents(), ElementsAre(Pair("a", "1"), Pair("c", "2"), Pair("d", "")));
}

TEST_P(TaskStateContract, ReadsWhatWasRestoredNotWhatItRemembers) {
  world.store().get("a");
  world.store().put("a", "1");
  ASSERT_OK(world.commit(1));
  EXPECT_EQ(world.store().get("a"), "1");
  ASSERT_OK(world.state->restore("users", std::vector<RecordView>{changed("a", "2")}, 2));
  ASSERT_OK(world.state->restored("users", 2));
  EXPECT_EQ(world.store().get("a"), "2");
}

TEST_P(TaskStateContract, ResetEmptiesOneStore) {
  world.store("users").put("a", "1");
  world.store("default").put("a", "1");
  ASSERT_OK(world.commit(5));
  ASSERT_OK(world.state->reset("users"));
  EXPECT_EQ(world.state->changelog_position("users"), 0);
  EXPECT_EQ(world.state->changelog_position("default"), 5);
  EXPECT_THAT(world.contents("users"), IsEmpty());
  EXPECT_THAT(world.contents("default"), ElementsAre(Pair("a", "1")));
  world.store("users").put("b", "1");
  ASSERT_OK(world.commit(6));
  EXPECT_THAT(world.contents("users"), ElementsAre(Pair("b", "1")));
}

TEST_P(TaskStateContract, KeepsThePositionsOfEachStore) {
  world.store().put("a", "1");
  ASSERT_OK(world.state->prepare(world.changelog));
  ASSERT_OK(world.state->apply(std::vector<std::int64_t>{4, 9}));
  EXPECT_EQ(world.state->changelog_position("users"), 4);
  EXPECT_EQ(world.state->changelog_position("default"), 9);
}

/// Random operations against a map; aborts, crashes before and after apply(), restarts.
class Model {
 public:
  Model(StateWorld& world, unsigned seed) : world_(world), random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) step();
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  std::string key() {
    static constexpr char kBytes[] = {'\x00', 'a', 'b', '\xff'};
    std::string key;
    for (unsigned size = below(4); key.size() < size;) key += kBytes[below(4)];
    return key;
  }

  void step() {
    KeyValueStore& store = world_.store();
    const std::string name = key();
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {
        const std::string value(below(300), static_cast<char>('a' + below(26)));
        store.put(name, value);
        now_[name] = value;
        return;
      }
      case 5:
      case 6:
        store.erase(name);
        now_.erase(name);
        return;
      case 7: {
        const std::string to = key();
        store.erase_range(name, to);
        if (name < to) now_.erase(now_.lower_bound(name), now_.lower_bound(to));
        return;
      }
      case 8:
      case 9:
      case 10: {
        const auto value = store.get(name);
        const auto found = now_.find(name);
        ASSERT_EQ(value.has_value(), found != now_.end());
        ASSERT_EQ(value.value_or(""), found == now_.end() ? "" : found->second);
        return;
      }
      case 11:
        return look_up_many();
      case 12: {
        Contents expected;
        for (const auto& [each, value] : now_)
          if (each.starts_with(name)) expected.emplace(each, value);
        ASSERT_EQ(world_.contents("users", name), expected);
        return;
      }
      case 13:
        return commit();
      case 14:
        world_.state->discard();
        now_ = committed_;
        return;
      default:
        if (below(8) == 0) restart();
    }
  }

  void look_up_many() {
    std::vector<std::string> names(below(40));
    for (std::string& name : names) name = key();
    const std::vector<std::string_view> keys(names.begin(), names.end());
    std::size_t visited = 0;
    world_.store().get_many(keys, [&](std::size_t i, std::optional<std::string_view> value) {
      ++visited;
      const auto found = now_.find(names[i]);
      ASSERT_EQ(value.has_value(), found != now_.end());
      ASSERT_EQ(value.value_or(""), found == now_.end() ? "" : found->second);
    });
    ASSERT_EQ(visited, keys.size());
  }

  void commit() {
    KeepingChangelog changelog;
    changelog.stores["users"] = committed_;
    ASSERT_OK(world_.state->prepare(changelog));
    ASSERT_EQ(changelog.stores["users"], now_);
    std::vector<std::string> keys = changelog.puts;
    keys.insert(keys.end(), changelog.tombstones.begin(), changelog.tombstones.end());
    std::ranges::sort(keys);
    ASSERT_EQ(std::ranges::adjacent_find(keys), keys.end()) << "one record per key and commit";
    if (below(4) == 0) {  // a crash, or an abort, between the transaction and the database
      if (below(2) == 0) return restart();
      world_.state->discard();
      now_ = committed_;
      return;
    }
    ASSERT_OK(world_.state->apply(std::vector<std::int64_t>{++position_, position_}));
    committed_ = now_;
  }

  /// What is left is the last commit; in memory nothing, and the changelog has it.
  void restart() {
    world_.start_process();
    ASSERT_OK(world_.open());
    if (!world_.durable()) {
      std::vector<RecordView> records;
      for (const auto& [each, value] : committed_) records.push_back(changed(each, value));
      ASSERT_OK(world_.state->restore("users", records, position_));
      ASSERT_OK(world_.state->restored("users", position_));
    }
    ASSERT_EQ(world_.state->changelog_position("users"), position_);
    now_ = committed_;
    ASSERT_EQ(world_.contents(), committed_);
  }

  StateWorld& world_;
  std::mt19937 random_;
  Contents now_;
  Contents committed_;
  std::int64_t position_ = 0;
};

TEST_P(TaskStateContract, BehavesLikeAMap) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Model(world, seed).run(6'000);
}

TEST_P(TaskStateContract, BehavesLikeAMapThatCanRememberLittle) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  world.memory_bytes = 64 * 1024;
  world.start_process();
  ASSERT_OK(world.open());
  Model(world, seed).run(6'000);
}

// --- what is kept beside a store

std::vector<std::size_t> found(LocalTable& table, const std::vector<std::string_view>& keys) {
  std::vector<std::size_t> indexes;
  table.find_many(keys, [&](std::size_t index) { indexes.push_back(index); });
  std::ranges::sort(indexes);
  return indexes;
}

/// Keys "00000", "00002", "00004", ...
void put_even_keys(LocalTable& table, std::size_t count) {
  std::size_t next = 0;
  std::string key;
  table.put_keys(count, [&] {
    key = std::to_string(100'000 + 2 * next++).substr(1);
    return std::string_view(key);
  });
}

TEST_P(TaskStateContract, LocalTablesAreWrittenAtOnceAndNotLogged) {
  LocalTable& table = world.state->local_table("users");
  EXPECT_EQ(table.first_key({}), std::nullopt);
  EXPECT_EQ(table.get("a"), std::nullopt);
  EXPECT_THAT(found(table, {"a"}), IsEmpty());
  table.put("a", "1");
  EXPECT_THAT(table.get("a"), Optional(std::string("1")));
  EXPECT_FALSE(world.state->changed());
  world.state->discard();
  EXPECT_THAT(table.get("a"), Optional(std::string("1")));
  EXPECT_EQ(world.state->local_table("default").get("a"), std::nullopt);
  EXPECT_EQ(get("a"), std::nullopt) << "the store beside it";
  ASSERT_OK(world.commit());
  EXPECT_THAT(world.changelog.stores["users"], IsEmpty());
}

TEST_P(TaskStateContract, LocalTablesTakeFewKeysAndMany) {
  LocalTable& table = world.state->local_table("users");
  for (const std::size_t count : {std::size_t{3}, std::size_t{40'000}, std::size_t{0}}) {
    put_even_keys(table, count);
    EXPECT_THAT(found(table, {"00003", "00002", "00001", "00004"}), ElementsAre(1u, 3u)) << count;
  }
  std::vector<std::string> names;
  for (int i = 100'000; i < 180'000; ++i) names.push_back(std::to_string(i).substr(1));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  EXPECT_EQ(found(table, keys).size(), 40'000u);
  EXPECT_EQ(table.first_key("00003"), "00004");
  EXPECT_EQ(table.first_key("79999"), std::nullopt);
  table.erase_range("00004", "79990");
  table.erase_range("1", "0");
  EXPECT_EQ(table.first_key("00003"), "79990");
  EXPECT_THAT(found(table, {"00002", "00004", "79990"}), ElementsAre(0u, 2u));
}

TEST_P(TaskStateContract, LocalTablesGoWithTheirStore) {
  world.state->local_table("users").put("a", "1");
  world.state->local_table("default").put("a", "1");
  ASSERT_OK(world.state->reset("users"));
  EXPECT_EQ(world.state->local_table("users").get("a"), std::nullopt);
  EXPECT_THAT(world.state->local_table("default").get("a"), Optional(std::string("1")));
  world.state->local_table("users").put("b", "2");
  EXPECT_THAT(world.state->local_table("users").get("b"), Optional(std::string("2")));
}

TEST_P(TaskStateContract, LocalTablesOutliveTheProcessWhereTheStoreDoes) {
  world.store().put("k", "v");
  ASSERT_OK(world.commit());
  put_even_keys(world.state->local_table("users"), 40'000);
  world.state->local_table("users").put("a", "1");
  world.start_process();
  ASSERT_OK(world.open());
  LocalTable& table = world.state->local_table("users");
  EXPECT_EQ(table.get("a").has_value(), world.durable());
  EXPECT_EQ(table.first_key({}).has_value(), world.durable());
  EXPECT_EQ(get("k").has_value(), world.durable());
}

}  // namespace
}  // namespace millrace
