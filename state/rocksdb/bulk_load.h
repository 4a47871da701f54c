#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "millrace/framework/record_batch.h"
#include "millrace/state/rocksdb/task_database.h"

namespace millrace {

/// Records of one store on their way into it in bulk: collected, sorted, and handed to the database
/// as a table of its own, which costs a third of writing them one by one. One thread.
class BulkLoad {
 public:
  BulkLoad(TaskDatabase& database, std::size_t store) : database_(database), store_(store) {}

  /// The last of the same key counts; a null value erases.
  void add(std::string_view key, std::string_view value);
  std::size_t bytes() const {
    return bytes_.used_bytes() + records_.size() * (sizeof(Record) + sizeof(Place));
  }
  bool empty() const { return records_.empty(); }
  /// Puts everything into the store, whole or not at all and on the disk when it returns. Few
  /// records go into the database's batch instead, for the caller to write.
  Status finish();
  /// Forgets what is there, and gives its memory back.
  void clear();

 private:
  struct Record {
    std::string_view key;
    std::string_view value;
  };
  struct Place {
    std::uint64_t head;   // the first bytes of the key, as a number: most keys differ there
    std::uint32_t index;  // into records_
  };
  void sort();

  TaskDatabase& database_;
  const std::size_t store_;
  std::vector<Record> records_;
  std::vector<Place> ascending_;  // each key once
  Arena bytes_;
};

}  // namespace millrace
