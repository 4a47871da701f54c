#pragma once

#include <rocksdb/slice.h>

#include <cstddef>
#include <vector>

#include "millrace/framework/task_state.h"
#include "millrace/state/key_head.h"
#include "millrace/state/rocksdb/task_database.h"

namespace millrace {

/// What is kept beside one store, in a column family of its own that the first write makes. Writes
/// go to the database at once. One thread.
class RocksdbLocalTable final : public LocalTable {
 public:
  RocksdbLocalTable(TaskDatabase& database, std::size_t store)
      : database_(database), store_(store) {}

  std::optional<std::string_view> get(std::string_view key) override;
  void find_many(std::span<const std::string_view> keys,
                 const std::function<void(std::size_t)>& visit) override;
  std::optional<std::string> first_key(std::string_view from) override;
  void put(std::string_view key, std::string_view value) override;
  void put_keys(std::size_t count, const std::function<std::string_view()>& next) override;
  void erase_range(std::string_view from, std::string_view to) override;

 private:
  static constexpr std::size_t kKeysAtOnce = 256;
  static constexpr std::size_t kFewKeys = 16384;  ///< a batch is cheaper than a table
  rocksdb::ColumnFamilyHandle* column() { return database_.local_column(store_); }
  bool make();
  void write();

  TaskDatabase& database_;
  const std::size_t store_;
  std::string value_;
  KeyOrder order_;
  std::vector<rocksdb::Slice> keys_;
  std::vector<rocksdb::PinnableSlice> values_;
  std::vector<rocksdb::Status> statuses_;
};

}  // namespace millrace
