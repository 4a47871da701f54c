#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/clock.h"
#include "millrace/framework/embedded/embedded_format.h"
#include "millrace/framework/embedded/log_compaction.h"
#include "millrace/framework/embedded/storage.h"
#include "millrace/framework/embedded/topic_configs.h"
#include "millrace/framework/record.h"
#include "millrace/framework/status.h"

namespace millrace::embedded {

/// Bodies of records on their way to one partition, each behind its size. Offsets come with the
/// append.
class PendingRecords {
 public:
  void add(const OutgoingRecord& record, std::int64_t timestamp_ms);
  /// Takes the record added last back.
  void drop_last();
  std::size_t last_bytes() const { return bytes_.size() - last_begin_; }
  std::size_t bytes() const { return bytes_.size(); }
  std::int64_t count() const { return count_; }
  void clear();
  /// Upper bound of what write() needs.
  std::size_t written_bound() const;
  /// Writes the records with offsets from `first` on and returns the end.
  char* write(std::int64_t first, char* to) const;

 private:
  std::string bytes_;
  std::size_t last_begin_ = 0;
  std::int64_t count_ = 0;
};

/// A stretch of a log in memory. Bytes below `size` never change, so readers look at them without
/// the log's lock; the other members belong to that lock.
struct Chunk {
  std::int64_t base = 0;  ///< no record in here is below it
  std::int64_t next = 0;  ///< offset behind the last record; base if empty
  std::size_t size = 0;
  std::string data;  ///< as long as the chunk may become
};

/// Where a reader is: `at` is the first record not yet taken. Default: nowhere.
struct LogCursor {
  std::shared_ptr<const Chunk> chunk;
  std::size_t at = 0;
};

/// What a reader may take now.
struct Readable {
  std::int64_t end = 0;  ///< end of the log
  std::int64_t limit =
      0;  ///< first offset that may not be delivered: last stable offset, or the end
  std::string_view bytes;   ///< records from the cursor on; empty: nothing below `resume`
  std::int64_t resume = 0;  ///< where to go on when `bytes` is empty
  std::vector<std::pair<std::int64_t, std::int64_t>>
      aborted;  ///< [first, next) to be skipped, ascending
};

struct LogSettings {
  std::size_t compaction_floor_bytes = 0;
  std::size_t tail_bytes = 0;
};

/// One partition: records with rising offsets, the open transactions in it, and what was aborted.
/// Thread-safe.
///
/// A control marker is an offset without a record. In memory mode all records are in chunks. With a
/// storage the chunks hold the tail: whatever belongs to an open transaction and the youngest of
/// the rest; a plain append is written at once, a transaction's records when it commits.
class PartitionLog {
 public:
  /// `storage` is null in memory mode. References must outlive the log.
  PartitionLog(TopicPartition name, LogId id, const TopicConfigs& configs,
               const LogSettings& settings, Clock& clock, Storage* storage, StoredBounds bounds);

  static constexpr std::uint64_t kNoTransaction = 0;
  /// Appends all or nothing and returns the last record's offset. kFailed: storage, or the topic is
  /// deleted.
  Result<std::int64_t> append(const PendingRecords& records, std::uint64_t transaction);

  /// A transaction's end in this log, in two steps around the write that decides it. Holds the
  /// log's lock.
  class Ending {
   public:
    /// Collects what a commit or abort changes in the directory.
    Ending(PartitionLog& log, std::uint64_t transaction, bool committed, Storage::Batch* batch);
    /// Appends the marker and makes the records visible, or aborted.
    void complete();

   private:
    PartitionLog& log_;
    std::unique_lock<std::mutex> lock_;
    const std::uint64_t transaction_;
    const bool committed_;
  };

  /// Tells what `position` may read, moving the cursor to it. kFailed: position outside the log,
  /// storage, deleted. REQUIRES: the cursor is fresh, or was left by the reader at the first record
  /// at or behind `position`.
  Status read(std::int64_t position, bool read_committed, LogCursor& cursor, Readable& readable);

  StoredBounds bounds() const;
  /// Removes what is below `offset`, memory and directory.
  Status delete_before(std::int64_t offset);
  /// The topic is gone: every further call fails.
  void mark_deleted();
  bool deleted() const { return deleted_; }

  const TopicPartition& name() const { return name_; }
  LogId id() const { return id_; }
  const TopicConfigs& configs() const { return configs_; }

 private:
  /// Records of one transaction that lie side by side in one chunk.
  struct Extent {
    std::shared_ptr<const Chunk> chunk;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int64_t first = 0;
    std::int64_t next = 0;
  };

  std::int64_t stable_end() const;
  Status check_position(std::int64_t position) const;
  Chunk& room_for(std::size_t bytes);
  void add_aborted(std::int64_t first, std::int64_t next);
  bool is_aborted(std::int64_t offset) const;
  /// Work after each append or commit: drops tail chunks, cleans a bounded part of a compacted log.
  void maintain(std::size_t appended_bytes);
  void evict();
  void clean(std::size_t budget);
  std::size_t clean_chunk(std::int64_t cursor);
  std::size_t clean_stored(std::int64_t cursor);
  std::string survivors(std::string_view bytes, std::int64_t& first, std::int64_t& next);

  const TopicPartition name_;
  const LogId id_;
  const TopicConfigs configs_;
  const LogSettings settings_;
  Clock& clock_;
  Storage* const storage_;

  std::atomic<bool> deleted_ = false;  ///< written under the lock
  mutable std::mutex mutex_;
  std::int64_t start_ = 0;
  std::int64_t end_ = 0;
  std::int64_t tail_start_ = 0;  ///< everything from here on is in chunks_; 0 in memory mode
  std::deque<std::shared_ptr<Chunk>> chunks_;
  std::size_t chunk_bytes_ = 0;
  std::map<std::uint64_t, std::vector<Extent>> open_;
  std::map<std::int64_t, std::int64_t>
      aborted_;  ///< first -> next, disjoint, merged over gaps of markers
  LogCompaction compaction_;
};

}  // namespace millrace::embedded
