#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/apps/millrace/multiset_hash.h"
#include "millrace/apps/millrace/sort_key.h"

namespace millrace::tool {

/// Judges the records of a topic as they are read: whether each partition is sorted, and what there
/// is in all. Memory does not grow with the records. Not thread-safe; the key must outlive it.
class SortCheck {
 public:
  SortCheck(SortKey& key, std::vector<TopicPartition> partitions);

  /// Takes in the next records of partition number `index`.
  void add(std::size_t index, std::span<const RecordView> records);

  std::int64_t records() const { return records_; }
  std::int64_t bytes() const { return bytes_; }  ///< of keys and values
  const MultisetHash& contents() const { return contents_; }
  /// Records that stand behind a greater one, or that have nothing to sort them by.
  std::int64_t offences() const { return offences_; }
  /// The first offence of the first partition that has one: topic, partition, offset and both
  /// values. Empty if there is none.
  std::string first_offence() const;

 private:
  struct Partition {
    TopicPartition partition;
    std::optional<std::int64_t> last_offset;  // of `last`
    SortValue last;
    std::string first_offence;
  };
  void add(Partition& partition, const RecordView& record);

  SortKey& key_;
  std::vector<Partition> partitions_;
  SortValue value_;  // of the present record
  MultisetHash contents_;
  std::int64_t records_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t offences_ = 0;
};

}  // namespace millrace::tool
