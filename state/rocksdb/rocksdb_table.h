#pragma once

#include <rocksdb/slice.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "millrace/state/base_table.h"
#include "millrace/state/key_head.h"
#include "millrace/state/rocksdb/task_database.h"

namespace millrace {

/// One store's column family. Reads go to the database, and report what fails to it; writes go into
/// its batch. One thread.
class RocksdbTable final : public BaseTable {
 public:
  RocksdbTable(TaskDatabase& database, std::size_t store) : database_(database), store_(store) {}

  std::optional<std::string_view> get(std::string_view key) override;
  void get_many(
      std::span<const std::string_view> keys,
      const std::function<void(std::size_t, std::optional<std::string_view>)>& visit) override;
  /// Asks filters and what is in memory; never the disk.
  bool may_contain(std::string_view key) override;
  void scan(std::string_view from, std::string_view to,
            const std::function<void(std::string_view, std::string_view)>& visit) override;
  void put(std::string_view key, std::string_view value) override;
  void erase(std::string_view key) override;
  void erase_range(std::string_view from, std::string_view to) override;

  bool empty();

 private:
  static constexpr std::size_t kKeysAtOnce = 256;
  rocksdb::ColumnFamilyHandle* column() { return database_.column(store_); }

  TaskDatabase& database_;
  const std::size_t store_;
  rocksdb::PinnableSlice value_;
  KeyOrder order_;  // of get_many()
  std::vector<rocksdb::Slice> keys_;
  std::vector<rocksdb::PinnableSlice> values_;
  std::vector<rocksdb::Status> statuses_;
};

}  // namespace millrace
