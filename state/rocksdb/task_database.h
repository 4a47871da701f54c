#pragma once

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/status.h"
#include "millrace/state/rocksdb/rocksdb_backend.h"

namespace millrace {

/// The RocksDB of one task: a column family for the runtime's own data, one for each store and one
/// for what is kept beside it, a batch in the making, and the first thing that went wrong. One
/// thread, but for what says otherwise; others may read through db() and column(), but not while
/// drop() is called.
class TaskDatabase {
 public:
  /// Opens or makes it. `stores`: in the order of columns. kFailed names the directory and the
  /// remedy; what is damaged is left as it is.
  static Result<std::unique_ptr<TaskDatabase>> open(const RocksdbBackend& backend,
                                                    const std::string& path,
                                                    const std::vector<std::string>& stores);
  ~TaskDatabase();
  TaskDatabase(const TaskDatabase&) = delete;
  TaskDatabase& operator=(const TaskDatabase&) = delete;

  const std::string& path() const { return path_; }
  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* own_column() { return columns_.front(); }
  rocksdb::ColumnFamilyHandle* column(std::size_t store) { return columns_[store + 1]; }
  /// Null until it is made.
  rocksdb::ColumnFamilyHandle* local_column(std::size_t store) { return local_columns_[store]; }
  /// Makes the column family beside a store, if it is not there.
  Status make_local_column(std::size_t store);

  /// What the next write() takes.
  rocksdb::WriteBatch& batch() { return batch_; }
  /// Writes the batch, through the write-ahead log, at once or not at all; empties it.
  Status write();
  /// Makes a table of the column family from what `fill` puts there in ascending order: at once or
  /// not at all, and on the disk when it returns. A second thread may do it, one for each column
  /// family; so its failure is the caller's to keep().
  Status add_table(rocksdb::ColumnFamilyHandle* column,
                   const std::function<rocksdb::Status(rocksdb::SstFileWriter&)>& fill);
  /// Writes something of the runtime's own without the batch. A second thread may do it.
  Status put_own(const std::string& key, const std::string& value);
  /// While many tables are added, they are merged less often: each time costs a pass over the
  /// store.
  Status expect_tables(std::size_t store, bool many);
  /// What the store and the column family beside it take, on disk and in write buffers.
  std::uint64_t bytes(std::size_t store);
  /// Puts an empty column family in the place of the store's, and of the one beside it.
  Status drop(std::size_t store);

  /// Keeps the first failure of a read, for status().
  void fail(const rocksdb::Status& status) {
    if (failure_.ok()) failure_ = error("read", status);
  }
  /// Keeps the first failure.
  void keep(const Status& status) {
    if (failure_.ok()) failure_ = status;
  }
  const Status& status() const { return failure_; }
  /// What went wrong, for people. From any thread.
  Status error(std::string_view verb, const rocksdb::Status& status) const;

 private:
  TaskDatabase(const RocksdbBackend& backend, std::string path,
               const std::vector<std::string>& stores)
      : backend_(backend),
        path_(std::move(path)),
        stores_(stores),
        local_columns_(stores.size(), nullptr) {}
  Status check_complete() const;
  Status keep(std::string_view verb, const rocksdb::Status& status);
  Status make_anew(rocksdb::ColumnFamilyHandle*& column,
                   const rocksdb::ColumnFamilyOptions& options, const std::string& name);

  const RocksdbBackend& backend_;
  const std::string path_;
  const std::vector<std::string> stores_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> columns_;
  std::vector<rocksdb::ColumnFamilyHandle*> local_columns_;  ///< by store; null: not made
  rocksdb::WriteBatch batch_;
  Status failure_;
};

}  // namespace millrace
