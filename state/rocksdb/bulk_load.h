#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/record_batch.h"
#include "millrace/state/rocksdb/task_database.h"

namespace millrace {

/// Records of one store on their way into it in bulk: collected, sorted, and handed to the database
/// as a table of its own, which costs a third of writing them one by one.
///
/// One thread; beside it a second one makes a table of what was collected before, one table at a
/// time, so that two collections are all that is ever in memory. Nobody else sees that thread.
class BulkLoad {
 public:
  BulkLoad(TaskDatabase& database, std::size_t store) : database_(database), store_(store) {}
  ~BulkLoad() { clear(); }
  BulkLoad(const BulkLoad&) = delete;
  BulkLoad& operator=(const BulkLoad&) = delete;

  /// The last of the same key counts; a null value erases.
  void add(std::string_view key, std::string_view value);
  /// Of what is being collected.
  std::size_t bytes() const {
    return filling_.bytes.used_bytes() + filling_.records.size() * 2 * sizeof(Record);
  }
  /// Begins to write what was collected: the table first, on the disk, then `key` = `value` among
  /// the database's own data. Waits for the one before, and reports its failure.
  Status write(std::string key, std::string value);
  /// Waits for what is being written, then puts the rest into the store, on the disk when it
  /// returns. Few records go into the database's batch instead, for the caller to write.
  Status finish();
  /// Waits for what is being written, forgets the rest, and gives its memory back.
  void clear();

 private:
  struct Record {
    std::uint64_t head;  // see key_head(); set when they are sorted
    const char* bytes;   // the key, then the value
    std::uint32_t key_size;
    std::uint32_t value_size;
    std::string_view key() const { return {bytes, key_size}; }
    std::string_view value() const { return {bytes + key_size, value_size}; }
  };
  static constexpr std::uint32_t kErased = UINT32_MAX;  // as a value's size
  struct Collection {
    std::vector<Record> records;
    Arena bytes;
    void reset();
  };
  Status wait();
  void sort(std::vector<Record>& records);
  Status make_table(Collection& from);

  TaskDatabase& database_;
  const std::size_t store_;
  Collection filling_;
  Collection writing_;           // the second thread's, while there is one
  std::vector<Record> scratch_;  // of whoever makes a table
  std::future<Status> writer_;
};

}  // namespace millrace
