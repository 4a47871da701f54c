#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/task_state.h"
#include "millrace/state/commit_gate.h"
#include "millrace/state/overlaid_store.h"
#include "millrace/state/rocksdb/bulk_load.h"
#include "millrace/state/rocksdb/rocksdb_backend.h"
#include "millrace/state/rocksdb/rocksdb_committed_store.h"
#include "millrace/state/rocksdb/rocksdb_local_table.h"
#include "millrace/state/rocksdb/rocksdb_table.h"
#include "millrace/state/rocksdb/state_format.h"
#include "millrace/state/rocksdb/task_database.h"

namespace millrace {

/// The stores of one task in one RocksDB. One thread; other threads read what is committed, and the
/// database stays open until they are out.
///
/// Beside each store stands its position: the changelog offset that its data goes up to, and since
/// when it was complete. A commit writes all in one batch; a restore writes the position behind the
/// data, never before. A store without a position is dropped when it is opened.
class RocksdbTaskState final : public TaskState {
 public:
  static Result<std::unique_ptr<TaskState>> open(RocksdbBackend& backend,
                                                 const TaskStateOptions& options);
  ~RocksdbTaskState() override;

  KeyValueStore& store(std::string_view name) override { return find(name).store; }
  LocalTable& local_table(std::string_view name) override { return find(name).local; }
  std::shared_ptr<const CommittedStore> committed(std::string_view name) const override {
    return const_cast<RocksdbTaskState*>(this)->find(name).committed;
  }
  MemoryBudget* memory_budget() override { return &backend_.kept_beside; }
  std::int64_t changelog_position(std::string_view store) const override {
    return const_cast<RocksdbTaskState*>(this)->find(store).position.offset;
  }
  Status restore(std::string_view store, std::span<const RecordView> records,
                 std::int64_t position) override;
  Status restored(std::string_view store, std::int64_t position) override;
  Status reset(std::string_view store) override;
  Status prepare(ChangelogWriter& writer) override;
  Status apply(std::span<const std::int64_t> positions) override;
  void discard() override;
  bool changed() const override;
  std::optional<std::uint64_t> bytes(std::string_view store) const override {
    return database_->bytes(const_cast<RocksdbTaskState*>(this)->find(store).column);
  }
  std::size_t pending_bytes() const override;

 private:
  struct Store {
    Store(std::string given, TaskDatabase& database, std::size_t index,
          const std::shared_ptr<CommitGate>& gate, MemoryBudget& kept_beside)
        : name(std::move(given)),
          column(index),
          table(database, index),
          local(database, index),
          store(table, &kept_beside),
          restoring(database, index),
          committed(std::make_shared<RocksdbCommittedStore>(gate, database, index)) {}
    const std::string name;
    const std::size_t column;
    RocksdbTable table;
    RocksdbLocalTable local;
    OverlaidStore store;
    BulkLoad restoring;
    const std::shared_ptr<const CommittedStore> committed;
    bool many_tables = false;
    StorePosition position;
  };

  RocksdbTaskState(RocksdbBackend& backend, const TaskStateOptions& options, std::string path);
  Status open_stores(const std::vector<std::string>& names);
  Status open_store(Store& store);
  Store& find(std::string_view name);
  bool too_old(std::int64_t since_ms) const;
  void put_position(const Store& store, const StorePosition& position);
  Status start_over(Store& store);

  RocksdbBackend& backend_;
  const std::string task_;
  const std::string path_;
  const std::uint64_t life_;
  const std::int64_t opened_ms_;  // wall clock, before the changelog's end was asked for
  const std::shared_ptr<CommitGate> gate_ = std::make_shared<CommitGate>();
  std::unique_ptr<TaskDatabase> database_;
  std::deque<Store> stores_;
  std::int64_t prepared_ms_ = 0;
};

}  // namespace millrace
