#include "millrace/operators/distinct_sets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "millrace/framework/repartition_format.h"
#include "millrace/operators/distinct_union.h"
#include "millrace/operators/fingerprint.h"
#include "millrace/tests/state/state_world.h"

namespace millrace {
namespace {

constexpr std::int64_t kStartMs = 1'468'195'200'000;  // midnight
constexpr std::int64_t kMinuteMs = 60'000;

/// start, definition, users, frames, revision, final, exact
using Result =
    std::tuple<std::int64_t, int, std::uint64_t, std::uint64_t, std::uint32_t, bool, bool>;

class KeptResults final : public WindowResults {
 public:
  explicit KeptResults(std::vector<Result>& results) : results_(results) {}
  void open(TaskContext&) override {}
  void write(const AssignedWindow& window, const Counts& counts) override {
    results_.emplace_back(window.window.start_ms, window.definition, counts.users, counts.frames,
                          counts.revision, counts.final, counts.exact);
  }
  void end() override {}

 private:
  std::vector<Result>& results_;
};

/// A changelog with all that was ever written, as a restore reads it.
class WholeChangelog final : public ChangelogWriter {
 public:
  Status write(std::string_view, std::string_view key, std::string_view value) override {
    auto& change = changes.emplace_back(std::string(key), std::nullopt);
    if (value.data() != nullptr) change.second = value;
    return {};
  }
  Contents live() const {
    Contents live;
    for (const auto& [key, value] : changes) {
      if (value)
        live.insert_or_assign(key, *value);
      else
        live.erase(key);
    }
    return live;
  }
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
};

/// A state with a budget of the test's own.
class StateWithin final : public TaskState {
 public:
  StateWithin(std::unique_ptr<TaskState> inner, MemoryBudget& budget)
      : inner_(std::move(inner)), budget_(budget) {}
  KeyValueStore& store(std::string_view name) override { return inner_->store(name); }
  LocalTable& local_table(std::string_view name) override { return inner_->local_table(name); }
  std::shared_ptr<const CommittedStore> committed(std::string_view name) const override {
    return inner_->committed(name);
  }
  MemoryBudget* memory_budget() override { return &budget_; }
  std::int64_t changelog_position(std::string_view store) const override {
    return inner_->changelog_position(store);
  }
  Status restore(std::string_view store, std::span<const RecordView> records,
                 std::int64_t position) override {
    return inner_->restore(store, records, position);
  }
  Status restored(std::string_view store, std::int64_t position) override {
    return inner_->restored(store, position);
  }
  Status reset(std::string_view store) override { return inner_->reset(store); }
  Status prepare(ChangelogWriter& writer) override { return inner_->prepare(writer); }
  Status apply(std::span<const std::int64_t> positions) override {
    return inner_->apply(positions);
  }
  void discard() override { inner_->discard(); }
  bool changed() const override { return inner_->changed(); }
  std::size_t pending_bytes() const override { return inner_->pending_bytes(); }

 private:
  std::unique_ptr<TaskState> inner_;
  MemoryBudget& budget_;
};

/// Stage 2 of distinct_count as its task has it: three durations, rolled up; with commits, aborts,
/// and ends of its process.
class UnionWorld {
 public:
  /// `memory_bytes`: for sets.
  UnionWorld(Backend backend, std::size_t memory_bytes)
      : world_(backend),
        budget_bytes_(memory_bytes),
        budget_(memory_bytes, [this](std::size_t held) { held_ = held; }) {
    world_.stores = {"users"};
    start();
  }

  void add(const AssignedWindow& window, const std::vector<int>& users, std::uint64_t frames) {
    std::string value;
    begin_repartition_data(window.window.start_ms, kNoTime, value);
    begin_distinct_delta(*plan_, window, frames, DistinctDeltaKind::kFingerprints, value);
    for (const int user : users) append_fingerprint(fingerprint(fmt::format("u{}", user)), value);
    const RecordView record{.value = value};
    ASSERT_EQ(node_->process({&record, 1}, arena_, *context_->source_partitions.front()), 1u);
  }
  void hear(std::int32_t source, std::int64_t watermark_ms, SourceStatus status) {
    context_->table->hear({source, 2, 1, watermark_ms, status, watermark_ms});
  }
  void flush() {
    node_->flush();
    prepared_.changes.clear();
    ASSERT_OK(context_->state->prepare(prepared_));
  }
  /// Of what was flushed.
  void end_transaction() {
    for (auto& change : prepared_.changes) changelog_.changes.push_back(std::move(change));
    for (const Result& result : written_) results.push_back(result);
    written_.clear();
  }
  void commit() {
    flush();
    end_transaction();
    const std::int64_t position = end();
    ASSERT_OK(context_->state->apply({&position, 1}));
    node_->committed();
    if (index().first_key({})) ever_indexed = true;
    EXPECT_LE(held_, budget_bytes_);
  }
  void abort() {
    written_.clear();
    context_->state->discard();
    context_->table->reload();
    node_->aborted();
  }
  /// Ends as by kill -9, and comes back with its disk or without.
  void restart(bool loses_disk) {
    written_.clear();
    node_.reset();
    context_.reset();
    if (loses_disk) {
      world_.start_process();
      std::filesystem::remove_all(world_.root + "/" + world_.application);
    }
    start();
  }

  const WindowPlan& plan() const { return *plan_; }
  const WholeChangelog& changelog() const { return changelog_; }
  LocalTable& index() { return context_->state->local_table("users"); }
  ManualClock& clock() { return world_.clock; }
  std::size_t held() const { return held_; }

  std::vector<Result> results;  ///< committed
  bool ever_indexed = false;

 private:
  std::int64_t end() const { return static_cast<std::int64_t>(changelog_.changes.size()); }
  void start() {
    world_.start_process();
    context_ = std::make_unique<TaskContext>(
        TaskContext::Parts{clock(), world_.log, collector_, world_.application, deployment_, 1, 0});
    ASSERT_OK(world_.open());
    context_->state = std::make_unique<StateWithin>(std::move(world_.state), budget_);
    std::vector<RecordView> records;
    for (auto at = context_->state->changelog_position("users"); at < end(); ++at) {
      const auto& [key, value] = changelog_.changes[static_cast<std::size_t>(at)];
      records.push_back({.key = key, .value = value ? *value : std::string_view()});
    }
    ASSERT_OK(context_->state->restore("users", records, end()));
    ASSERT_OK(context_->state->restored("users", end()));
    context_->table =
        std::make_unique<SourceTable>(context_->store("users"), SourceTable::Words::kWatermarks);
    context_->source_partitions.push_back(
        std::make_unique<SourcePartition>(TopicPartition{"in", 1}, dead_, context_->counters()));
    node_ = std::make_unique<DistinctUnion>(
        WindowBoard::Options{.plan = plan_, .method = exact(), .store = "users"},
        std::make_unique<KeptResults>(written_));
    node_->open(*context_);
  }

  const std::shared_ptr<const WindowPlan> plan_ =
      std::make_shared<const WindowPlan>(WindowPlan::make(
          {tumbling(std::chrono::minutes(1)), tumbling(std::chrono::minutes(10)), calendar_day()},
          0));
  StateWorld world_;
  const std::size_t budget_bytes_;
  std::size_t held_ = 0;
  MemoryBudget budget_;
  Collector collector_{world_.clock};
  Deployment deployment_;
  DeadLetters dead_{{}, collector_};
  Arena arena_;
  WholeChangelog changelog_;
  WholeChangelog prepared_;
  std::vector<Result> written_;
  std::unique_ptr<TaskContext> context_;
  std::unique_ptr<DistinctUnion> node_;
};

class DistinctSetsTest : public testing::TestWithParam<Backend> {};
INSTANTIATE_TEST_SUITE_P(All, DistinctSetsTest,
                         testing::Values(Backend::kMemory, Backend::kRocksdb), name_of);

/// The same happens to two tasks, one of which has next to no memory. Nobody can tell.
class TwoWorlds {
 public:
  TwoWorlds(Backend backend, std::size_t memory_bytes, unsigned seed)
      : small_(backend, memory_bytes), large_(Backend::kMemory, 1u << 30), random_(seed) {}

  void step() {
    const int what = below(1000);
    if (what < 700) return add();
    if (what < 780) return tell();
    if (what < 960) return both([](UnionWorld& world) { world.commit(); });
    if (what < 970) return both([](UnionWorld& world) { world.abort(); });
    if (what < 980)
      return both([](UnionWorld& world) {
        world.flush();
        world.abort();
      });
    if (what < 987) return both([](UnionWorld& world) { world.restart(false); });
    if (what < 990) return both([](UnionWorld& world) { world.restart(true); });
    if (what < 996)  // its changes are in the changelog alone
      return both([](UnionWorld& world) {
        world.flush();
        world.end_transaction();
        world.restart(false);
      });
    both([](UnionWorld& world) { world.clock().advance(std::chrono::hours(25)); });
  }
  void finish() {
    both([this](UnionWorld& world) {
      world.hear(0, now_ms_ + 2 * 86'400'000, SourceStatus::kActive);
      world.hear(1, now_ms_ + 2 * 86'400'000, SourceStatus::kActive);
      for (int i = 0; i < 3; ++i) world.commit();
    });
    EXPECT_FALSE(small_.index().first_key({})) << "closed windows leave nothing";
  }
  void compare() {
    ASSERT_EQ(small_.results, large_.results);
    ASSERT_EQ(small_.changelog().live(), large_.changelog().live());
  }
  UnionWorld& small() { return small_; }

 private:
  int below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  template <class Action>
  void both(Action action) {
    action(small_);
    action(large_);
  }
  /// Users of a minute, or of a larger window if they were late for that; where stage 1 cannot know
  /// better, of a window that has expired.
  void add() {
    const int definition = below(10) < 8 ? 0 : 1 + below(2);
    std::int64_t at_ms = now_ms_ - below(4) * kMinuteMs;
    if (below(8) == 0) at_ms = slow_ms_ + 1 + below(static_cast<int>(now_ms_ - slow_ms_ + 1));
    const AssignedWindow window{
        definition,
        small_.plan().definitions[static_cast<std::size_t>(definition)].window_of(at_ms)};
    if (window.window.end_ms <= slow_ms_) return;
    std::vector<int> users;
    for (int n = below(below(10) == 0 ? 200 : 10); n > 0; --n) users.push_back(below(3000));
    both([&](UnionWorld& world) { world.add(window, users, users.size() + 1); });
  }
  /// One source goes on. The other is idle: windows close early, and keep their state.
  void tell() {
    now_ms_ += below(2) * kMinuteMs;
    if (below(4) == 0) slow_ms_ = std::min(now_ms_, slow_ms_ + below(6) * kMinuteMs);
    both([this](UnionWorld& world) {
      world.hear(0, now_ms_, SourceStatus::kActive);
      world.hear(1, slow_ms_, SourceStatus::kIdle);
    });
  }

  UnionWorld small_;
  UnionWorld large_;
  std::mt19937 random_;
  std::int64_t now_ms_ = kStartMs + 3 * kMinuteMs;
  std::int64_t slow_ms_ = kStartMs;
};

TEST_P(DistinctSetsTest, CountTheSameWithNextToNoMemory) {
  unsigned seed = 1;
  for (const std::size_t memory_bytes : {1, 4'000, 30'000}) {
    SCOPED_TRACE(testing::Message() << memory_bytes << " bytes, seed " << seed);
    TwoWorlds worlds(GetParam(), memory_bytes, seed++);
    for (int i = 0; i < 3000 && !testing::Test::HasFailure(); ++i) {
      worlds.step();
      if (i % 100 == 0) worlds.compare();
    }
    worlds.finish();
    worlds.compare();
    EXPECT_TRUE(worlds.small().ever_indexed);
    EXPECT_GT(worlds.small().results.size(), 100u);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

TEST(DistinctSets, AreNotReadBeforeTheyAreAsked) {
  UnionWorld world(Backend::kMemory, 1u << 30);
  for (int minute = 0; minute < 100; ++minute)
    world.add({0, world.plan().definitions[0].window_of(kStartMs + minute * kMinuteMs)}, {1, 2, 3},
              3);
  world.commit();
  const std::size_t all = world.held();
  world.restart(true);
  EXPECT_EQ(world.held(), 0u);
  world.add({0, world.plan().definitions[0].window_of(kStartMs)}, {1, 2, 4}, 3);
  world.commit();
  EXPECT_GT(world.held(), 0u);
  EXPECT_LT(world.held(), all / 10);
  world.hear(0, kStartMs + kMinuteMs, SourceStatus::kActive);
  world.hear(1, kStartMs + kMinuteMs, SourceStatus::kActive);
  world.commit();
  ASSERT_EQ(world.results.size(), 1u);
  EXPECT_EQ(std::get<2>(world.results.front()), 4u);
}

/// What is committed is in the index after a restart, and only the rest is read.
TEST(DistinctSets, KeepTheirIndexOverARestart) {
  UnionWorld world(Backend::kRocksdb, 20'000);
  const AssignedWindow day{2, world.plan().definitions[2].window_of(kStartMs)};
  std::vector<int> users;
  for (int i = 0; i < 30'000; ++i) users.push_back(i);
  world.add(day, users, users.size());
  world.commit();
  world.restart(false);
  EXPECT_TRUE(world.index().first_key({}));
  world.add(day, {7, 29'999, 30'000, 30'001, 30'000}, 5);
  world.hear(0, kStartMs + 86'400'000, SourceStatus::kActive);
  world.hear(1, kStartMs, SourceStatus::kIdle);
  world.commit();
  ASSERT_EQ(world.results.size(), 1u);
  EXPECT_EQ(std::get<2>(world.results.front()), 30'002u);
  world.restart(true);
  EXPECT_FALSE(world.index().first_key({}));
  world.add(day, {7, 29'999, 30'001, 30'003}, 4);
  world.commit();
  ASSERT_EQ(world.results.size(), 2u);
  EXPECT_EQ(std::get<2>(world.results.back()), 30'003u);
}

/// Another process had the task while this directory lay there, and has closed the window.
TEST(DistinctSets, DropIndexesOfWindowsThatAreGone) {
  UnionWorld world(Backend::kRocksdb, 20'000);
  const AssignedWindow minute{0, world.plan().definitions[0].window_of(kStartMs)};
  std::vector<int> users;
  for (int i = 0; i < 30'000; ++i) users.push_back(i);
  world.add(minute, users, users.size());
  world.commit();
  world.index().put("\x7f unknown     ", "");
  ASSERT_TRUE(world.index().first_key("\x7f"));
  world.restart(false);
  EXPECT_FALSE(world.index().first_key("\x7f"));
  EXPECT_TRUE(world.index().first_key({}));
}

}  // namespace
}  // namespace millrace
