#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "millrace/framework/committed_store.h"
#include "millrace/state/commit_gate.h"
#include "millrace/state/rocksdb/task_database.h"

namespace millrace {

/// One store's column family, read beside the task's thread: a commit is one batch, so a snapshot
/// of the database is a commit. Thread-safe.
class RocksdbCommittedStore final : public CommittedStore {
 public:
  /// `database` is used only while `gate` lets readers in.
  RocksdbCommittedStore(std::shared_ptr<CommitGate> gate, TaskDatabase& database, std::size_t store)
      : gate_(std::move(gate)), database_(database), store_(store) {}

  Status read(const std::function<void(StoreSnapshot&)>& look) const override;

 private:
  const std::shared_ptr<CommitGate> gate_;
  TaskDatabase& database_;
  const std::size_t store_;
};

}  // namespace millrace
