#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "millrace/framework/record.h"

namespace millrace {

/// Readable bytes behind every record value, for parsers that read in vectors.
inline constexpr std::size_t kRecordPadding = 64;

/// Bump allocator in chunks; pointers stay valid until reset(), which keeps the chunks. Not
/// thread-safe.
///
/// In AddressSanitizer builds everything is poisoned at reset(), so that a view that outlives its
/// batch is found.
class Arena {
 public:
  /// Returns `size` bytes (unaligned), followed by kRecordPadding readable ones.
  char* allocate(std::size_t size);
  /// Copies `text` here. A null view stays null, an empty one stays empty.
  std::string_view copy(std::string_view text);
  /// Gives everything back at once; keeps at most `keep_bytes` of memory for the next round.
  void reset(std::size_t keep_bytes = kKeepBytes);
  std::size_t used_bytes() const { return used_bytes_; }
  /// Memory that it takes, used or not.
  std::size_t reserved_bytes() const { return reserved_bytes_; }

  static constexpr std::size_t kFirstChunkBytes = 4 * 1024;  ///< each further one is twice as large
  static constexpr std::size_t kChunkBytes = 256 * 1024;     ///< up to this
  static constexpr std::size_t kKeepBytes = 8 * 1024 * 1024;

 private:
  struct Chunk {
    std::unique_ptr<char[]> data;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t current_ = 0;
  std::size_t offset_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t reserved_bytes_ = 0;
};

/// Lends memory to a RecordBatch, so that records need not be copied.
class RecordLender {
 public:
  virtual ~RecordLender() = default;
  /// Takes back everything that one batch has borrowed.
  virtual void give_back(std::span<void* const> loans) = 0;
};

/// A batch of consumed records of one partition, with the bytes they refer to. Not thread-safe.
///
/// Consumers append: a payload is borrowed where it lies in padded memory, else copied there. Views
/// given out die at reset(). Allocates nothing once it has grown to the size of a batch.
class RecordBatch {
 public:
  RecordBatch() = default;
  ~RecordBatch() { reset(); }
  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;

  /// Copies a record in. Headers are copied too; pass none when there are none.
  void append(std::string_view key, std::string_view value, std::int64_t offset,
              std::int64_t timestamp_ms, std::span<const Header> headers = {});
  /// Adds a record as it is. REQUIRES: its bytes stand in arena(), or in memory that was borrowed.
  void append_stored(const RecordView& record) {
    records_.push_back(record);
    bytes_ += record.key.size() + record.value.size();
  }
  /// Keeps `loan` until reset(), and its lender with it. REQUIRES: one lender between two resets.
  void borrow(void* loan, const std::shared_ptr<RecordLender>& lender);
  /// False: records are better copied than borrowed, for they are kept while others come and go.
  void set_borrows(bool borrows) { borrows_ = borrows; }
  bool borrows() const { return borrows_; }
  std::span<const RecordView> records() const { return records_; }
  bool empty() const { return records_.empty(); }
  std::size_t bytes() const { return bytes_; }  ///< of keys and values
  /// Memory that it takes, beside what it borrows.
  std::size_t reserved_bytes() const {
    return arena_.reserved_bytes() + records_.capacity() * sizeof(RecordView);
  }
  /// Memory that lives as long as the batch: for what decoders must copy (unescaped strings).
  Arena& arena() { return arena_; }
  void reset();

 private:
  std::vector<RecordView> records_;
  std::vector<std::unique_ptr<std::vector<Header>>> headers_;
  Arena arena_;
  std::size_t bytes_ = 0;
  bool borrows_ = true;
  std::vector<void*> loans_;
  std::shared_ptr<RecordLender> lender_;
};

}  // namespace millrace
