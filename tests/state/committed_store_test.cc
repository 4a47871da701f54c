#include "millrace/framework/committed_store.h"

#include <atomic>
#include <thread>

#include "millrace/tests/state/state_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

/// What holds for the committed stores of every implementation of TaskState.
class CommittedStoreContract : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { ASSERT_OK(world.open()); }

  std::shared_ptr<const CommittedStore> committed() const {
    return world.state->committed("users");
  }
  std::optional<std::string> get(std::string_view key) const {
    std::optional<std::string> found;
    EXPECT_OK(committed()->read([&](StoreSnapshot& snapshot) {
      if (const auto value = snapshot.get(key)) found = *value;
    }));
    return found;
  }
  std::vector<std::string> keys(std::string_view from, std::string_view to,
                                StoreSnapshot::Order order, std::size_t most = SIZE_MAX) const {
    std::vector<std::string> found;
    EXPECT_OK(committed()->read([&](StoreSnapshot& snapshot) {
      snapshot.scan(from, to, order, [&](std::string_view key, std::string_view value) {
        EXPECT_EQ(value, "1");
        found.emplace_back(key);
        return found.size() < most;
      });
    }));
    return found;
  }

  StateWorld world{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(All, CommittedStoreContract,
                         testing::Values(Backend::kMemory, Backend::kRemembering,
                                         Backend::kRocksdb),
                         name_of);

TEST_P(CommittedStoreContract, SeesWhatIsCommittedAndNothingElse) {
  world.store().put("a", "1");
  EXPECT_EQ(get("a"), std::nullopt);
  ASSERT_OK(world.commit());
  EXPECT_THAT(get("a"), Optional(std::string("1")));
  world.store().put("a", "2");
  world.store().erase_range("a", "z");
  EXPECT_THAT(get("a"), Optional(std::string("1")));
  world.state->discard();
  EXPECT_THAT(get("a"), Optional(std::string("1")));
  world.store().erase("a");
  ASSERT_OK(world.commit(2));
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_P(CommittedStoreContract, KeepsStoresApart) {
  world.store("default").put("a", "1");
  ASSERT_OK(world.commit());
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_P(CommittedStoreContract, ScansUpAndDownAndStops) {
  for (const char* key : {"a", "b", "c", "d"}) world.store().put(key, "1");
  ASSERT_OK(world.commit());
  world.store().put("bb", "2");
  using Order = StoreSnapshot::Order;
  EXPECT_THAT(keys("", {}, Order::kAscending), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(keys("", {}, Order::kDescending), ElementsAre("d", "c", "b", "a"));
  EXPECT_THAT(keys("b", "d", Order::kAscending), ElementsAre("b", "c"));
  EXPECT_THAT(keys("b", "d", Order::kDescending), ElementsAre("c", "b"));
  EXPECT_THAT(keys("b", {}, Order::kDescending, 2), ElementsAre("d", "c"));
  EXPECT_THAT(keys("a", {}, Order::kAscending, 1), ElementsAre("a"));
  EXPECT_THAT(keys("d", "b", Order::kAscending), IsEmpty());
  EXPECT_THAT(keys("x", {}, Order::kDescending), IsEmpty());
}

TEST_P(CommittedStoreContract, SeesARestoreAndAReset) {
  const std::vector<RecordView> records{changed("a", "1"), changed("b", "1"), changed("a", {})};
  ASSERT_OK(world.state->restore("users", records, 3));
  ASSERT_OK(world.state->restored("users", 3));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_THAT(get("b"), Optional(std::string("1")));
  ASSERT_OK(world.state->reset("users"));
  EXPECT_EQ(get("b"), std::nullopt);
}

TEST_P(CommittedStoreContract, IsGoneWithItsTask) {
  world.store().put("a", "1");
  ASSERT_OK(world.commit());
  const auto kept = committed();
  ASSERT_OK(world.open());
  const Status gone = kept->read([](StoreSnapshot&) { ADD_FAILURE() << "looked at what is gone"; });
  EXPECT_EQ(gone.code(), StatusCode::kRetry) << gone.message();
}

/// Two keys change together, and windows of ten keys come and go, while others look and the task is
/// taken away in the end.
TEST_P(CommittedStoreContract, EachReadSeesOneCommit) {
  constexpr int kReaders = 3;
  constexpr int kCommits = 300;
  std::atomic<int> ready{0};
  std::atomic<std::uint64_t> reads{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i)
    readers.emplace_back([&, store = committed(), first = true]() mutable {
      while (true) {
        std::string a, b;
        std::vector<std::string> values;
        const Status status = store->read([&](StoreSnapshot& snapshot) {
          a = snapshot.get("a").value_or("none");
          snapshot.scan("w", "x", StoreSnapshot::Order::kDescending,
                        [&](std::string_view, std::string_view value) {
                          values.emplace_back(value);
                          return values.size() < 20;
                        });
          b = snapshot.get("b").value_or("none");
        });
        if (!status.ok()) {  // it may have stopped halfway
          EXPECT_EQ(status.code(), StatusCode::kRetry) << status.message();
          return;
        }
        EXPECT_EQ(a, b);
        EXPECT_EQ(values, std::vector<std::string>(a == "none" ? 0 : 10, a));
        ++reads;
        if (std::exchange(first, false)) ++ready;
      }
    });
  while (ready < kReaders) std::this_thread::yield();
  for (int i = 0; i < kCommits; ++i) {
    const std::string value = std::to_string(i);
    world.store().put("a", value);
    world.store().erase_range("w", "x");
    for (int key = 0; key < 10; ++key)
      world.store().put("w" + std::to_string(i % 2) + std::to_string(key), value);
    world.store().put("b", value);
    ASSERT_OK(world.commit(i + 1));
  }
  world.state.reset();
  for (std::thread& reader : readers) reader.join();
  EXPECT_GE(reads, std::uint64_t{kReaders});
}

}  // namespace
}  // namespace millrace
