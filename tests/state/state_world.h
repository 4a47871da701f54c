#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/state/memory_task_state.h"
#include "millrace/state/rocksdb/rocksdb_state.h"
#include "millrace/tests/expect_ok.h"
#include "millrace/tests/kit/manual_clock.h"
#include "millrace/tests/temporary_directory.h"

namespace millrace {

using Contents = std::map<std::string, std::string>;

/// A log that keeps its texts.
class KeepingLog final : public LogSink {
 public:
  void write(LogLevel level, std::string_view text,
             std::initializer_list<LogField> fields) override {
    if (level < LogLevel::kWarning) return;
    warnings.emplace_back(text);
    for (const LogField& field : fields) warnings.back() += " " + field.value;
  }
  std::vector<std::string> warnings;
};

/// A changelog as compaction leaves it: the last value of each key; and what was written last.
class KeepingChangelog final : public ChangelogWriter {
 public:
  Status write(std::string_view store, std::string_view key, std::string_view value) override {
    if (value.data() == nullptr) {
      stores[std::string(store)].erase(std::string(key));
      tombstones.emplace_back(key);
      values_last = false;
    } else {
      stores[std::string(store)][std::string(key)] = value;
      puts.emplace_back(key);
      values_last = true;
    }
    return {};
  }
  std::map<std::string, Contents> stores;
  std::vector<std::string> puts;
  std::vector<std::string> tombstones;
  bool values_last = false;  ///< the last record was no tombstone
};

enum class Backend { kMemory, kRemembering, kRocksdb };

inline std::string name_of(const testing::TestParamInfo<Backend>& backend) {
  switch (backend.param) {
    case Backend::kMemory:
      return "Memory";
    case Backend::kRemembering:
      return "MemoryThatRemembers";
    case Backend::kRocksdb:
      return "Rocksdb";
  }
  return "";
}

/// State of one task, opened and lost again, in memory or in a directory. With a clock and a log.
class StateWorld {
 public:
  explicit StateWorld(Backend backend) : backend_(backend) { start_process(); }

  bool durable() const { return backend_ == Backend::kRocksdb; }
  /// As a new process would find it.
  void start_process() {
    state.reset();
    process_.reset();
    remembered_ = std::make_unique<MemoryBudget>(memory_bytes / 2);
    if (durable())
      process_ = std::make_unique<RocksdbState>(RocksdbStateOptions{
          .directory = root, .memory_bytes = memory_bytes, .clock = clock, .log = log});
  }
  Status open() {
    state.reset();
    auto opened = make();
    if (!opened.ok()) return opened.status();
    state = std::move(*opened);
    return {};
  }
  Result<std::unique_ptr<TaskState>> make() {
    const TaskStateOptions options{application, "0_1", fingerprint, stores};
    if (durable()) return process_->factory()(options);
    return memory_task_state_within(
        options, nullptr, backend_ == Backend::kRemembering ? remembered_.get() : nullptr);
  }
  /// REQUIRES: durable().
  MemoryUsage memory() const { return process_->memory(); }
  std::string task_directory() const { return root + "/" + application + "/0_1"; }

  KeyValueStore& store(std::string_view name = "users") { return state->store(name); }
  /// prepare() and apply(), as after a transaction that ended the changelogs at `position`.
  Status commit(std::int64_t position = 1) {
    MILLRACE_RETURN_IF_ERROR(state->prepare(changelog));
    const std::vector<std::int64_t> positions(stores.size(), position);
    return state->apply(positions);
  }
  Contents contents(std::string_view name = "users", std::string_view prefix = {}) {
    Contents found;
    std::string last;
    store(name).scan(prefix, [&](std::string_view key, std::string_view value) {
      EXPECT_TRUE(found.empty() || last < key) << "ascending, each once";
      last = key;
      found.emplace(key, value);
    });
    return found;
  }

  /// Runs `work` in a process of its own, which has this directory: a fresh one, because RocksDB's
  /// threads do not survive a fork. `work` returns what it has to say, unless it dies before.
  template <class Work, class How>
  void in_child(Work work, How how, const testing::Matcher<const std::string&>& says) {
    constexpr const char* kRoot = "MILLRACE_TEST_ROOT";
    start_process();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    ::setenv(kRoot, root.c_str(), 0);  // in the child, which runs the test anew, it is set
    EXPECT_EXIT(
        {
          std::filesystem::remove_all(directory.path());
          root = ::getenv(kRoot);
          start_process();
          std::cerr << work();
          ::_exit(0);
        },
        how, says);
    ::unsetenv(kRoot);
  }

  TemporaryDirectory directory{memory_directory()};
  std::string root = directory.path();  ///< where state is kept
  ManualClock clock;
  KeepingLog log;
  KeepingChangelog changelog;
  std::string application = "app";
  std::string fingerprint = "0123456789abcdef";
  std::vector<std::string> stores{"users", "default"};
  std::size_t memory_bytes = std::size_t{16} << 20;

 private:
  const Backend backend_;
  std::unique_ptr<MemoryBudget> remembered_;
  std::unique_ptr<RocksdbState> process_;

 public:
  std::unique_ptr<TaskState> state;  // goes before its process
};

/// A changelog record; a null value is a tombstone.
inline RecordView changed(std::string_view key, std::string_view value, std::int64_t offset = 0) {
  return {.key = key, .value = value, .offset = offset};
}

}  // namespace millrace
