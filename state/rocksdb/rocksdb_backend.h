#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/write_buffer_manager.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "millrace/state/rocksdb/rocksdb_state.h"
#include "millrace/state/rocksdb/state_directory.h"

namespace millrace {

/// What the tasks of a process share: settings with the memory budget in them, claimed directories,
/// and which tasks are open.
struct RocksdbBackend {
  explicit RocksdbBackend(const RocksdbStateOptions& options);

  Status claim(const StateStamp& stamp);
  /// Takes the task's directory for one state; false: another one has it.
  bool take(const std::string& path);
  void give_back(const std::string& path);
  MemoryUsage memory();

  const RocksdbStateOptions options;
  /// At most half of the memory; what is held is taken from the block cache and the write buffers.
  MemoryBudget kept_beside;
  rocksdb::Options database;
  rocksdb::ColumnFamilyOptions column;
  rocksdb::ColumnFamilyOptions local_column;  ///< beside a store

 private:
  void divide(std::size_t kept_beside);

  std::shared_ptr<rocksdb::Cache> cache_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<StateDirectory>> directories_;  // by application id
  std::set<std::string> taken_;
};

}  // namespace millrace
