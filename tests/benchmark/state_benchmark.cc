// How fast the stores are, through the interface that operators use: 1,000,000 keys of 16 bytes,
// values of 100; a commit each 50,000 changes, which is the state's part of one (no broker).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <random>

#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"
#include "millrace/state/memory_task_state.h"
#include "millrace/state/rocksdb/rocksdb_state.h"
#include "millrace/tests/temporary_directory.h"

namespace millrace {
namespace {

constexpr std::size_t kKeys = 1'000'000;
constexpr int kChangesPerCommit = 50'000;

class NoChangelog final : public ChangelogWriter {
 public:
  Status write(std::string_view, std::string_view key, std::string_view value) override {
    bytes_ += key.size() + value.size();
    return {};
  }

 private:
  std::size_t bytes_ = 0;
};

void must(const Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{}\n", status.message());
  std::abort();
}

/// A store that holds all keys.
class FullStore {
 public:
  explicit FullStore(bool durable) {
    const TaskStateOptions options{"benchmark", "0_0", "0", {"store"}};
    if (durable)
      process_ = std::make_unique<RocksdbState>(
          RocksdbStateOptions{.directory = directory_.path(), .clock = clock_, .log = null_log()});
    auto opened = durable ? process_->factory()(options) : memory_task_state(options);
    must(opened.status());
    state_ = std::move(*opened);
    for (std::size_t i = 0; i < kKeys; ++i) keys_.push_back(fmt::format("{:016x}", i * 0x9e3779b9));
    for (const std::string& key : keys_) put(key);
    commit();
  }

  KeyValueStore& store() { return state_->store("store"); }
  const std::string& random_key() { return keys_[random_() % kKeys]; }
  void put(std::string_view key) {
    store().put(key, value_);
    if (++changes_ == kChangesPerCommit) commit();
  }
  void commit() {
    must(state_->prepare(changelog_));
    must(state_->apply(std::vector<std::int64_t>{++position_}));
    changes_ = 0;
  }

 private:
  TemporaryDirectory directory_;
  SystemClock clock_;
  NoChangelog changelog_;
  std::unique_ptr<RocksdbState> process_;
  std::unique_ptr<TaskState> state_;
  std::vector<std::string> keys_;
  const std::string value_ = std::string(100, 'v');
  std::mt19937 random_{1};
  int changes_ = 0;
  std::int64_t position_ = 0;
};

void puts(benchmark::State& run) {
  FullStore full(run.range(0) != 0);
  for (auto _ : run) full.put(full.random_key());
  run.SetItemsProcessed(run.iterations());
}

void gets(benchmark::State& run) {
  FullStore full(run.range(0) != 0);
  for (auto _ : run) benchmark::DoNotOptimize(full.store().get(full.random_key()));
  run.SetItemsProcessed(run.iterations());
}

/// What an aggregation does: reads a key, writes it.
void updates(benchmark::State& run) {
  FullStore full(run.range(0) != 0);
  for (auto _ : run) {
    const std::string& key = full.random_key();
    benchmark::DoNotOptimize(full.store().get(key));
    full.put(key);
  }
  run.SetItemsProcessed(run.iterations());
}

void lookups_of_256(benchmark::State& run) {
  FullStore full(run.range(0) != 0);
  std::vector<std::string_view> keys(256);
  for (auto _ : run) {
    for (std::string_view& key : keys) key = full.random_key();
    full.store().get_many(keys, [](std::size_t, std::optional<std::string_view> value) {
      benchmark::DoNotOptimize(value);
    });
  }
  run.SetItemsProcessed(run.iterations() * 256);
}

/// A take-over from nothing: kKeys records in any order, as a compacted changelog has them.
void restores(benchmark::State& run) {
  constexpr std::size_t kBatch = 4'096;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i)
    keys.push_back(fmt::format("{:016x}", i * 0x9e3779b97f4a7c15));
  const std::string value(100, 'v');
  const TaskStateOptions options{"benchmark", "0_0", "0", {"store"}};
  const SystemClock clock;
  for (auto _ : run) {
    const TemporaryDirectory directory;
    RocksdbState process({.directory = directory.path(), .clock = clock, .log = null_log()});
    auto state = run.range(0) != 0 ? process.factory()(options) : memory_task_state(options);
    must(state.status());
    std::vector<RecordView> batch;
    for (std::size_t i = 0; i < kKeys; ++i) {
      batch.push_back({.key = keys[i], .value = value});
      if (batch.size() < kBatch && i + 1 < kKeys) continue;
      must((*state)->restore("store", batch, static_cast<std::int64_t>(i + 1)));
      batch.clear();
    }
    must((*state)->restored("store", kKeys));
  }
  run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(kKeys));
}

BENCHMARK(puts)->ArgName("durable")->Arg(0)->Arg(1)->MinTime(3)->UseRealTime();
BENCHMARK(gets)->ArgName("durable")->Arg(0)->Arg(1)->MinTime(3)->UseRealTime();
BENCHMARK(updates)->ArgName("durable")->Arg(0)->Arg(1)->MinTime(3)->UseRealTime();
BENCHMARK(restores)->ArgName("durable")->Arg(0)->Arg(1)->UseRealTime()->Unit(
    benchmark::kMillisecond);
BENCHMARK(lookups_of_256)->ArgName("durable")->Arg(0)->Arg(1)->MinTime(3)->UseRealTime();

}  // namespace
}  // namespace millrace

BENCHMARK_MAIN();
