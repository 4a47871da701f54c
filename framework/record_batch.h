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

  static constexpr std::size_t kChunkBytes = 256 * 1024;
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
};

/// A batch of consumed records of one partition, with the bytes they refer to. Not thread-safe.
///
/// Consumers append: each payload is copied once, into padded memory. Views given out die at
/// reset(). Allocates nothing once its chunks have grown to the size of a batch.
class RecordBatch {
 public:
  RecordBatch() = default;
  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;

  /// Copies a record in. Headers are copied too; pass none when there are none.
  void append(std::string_view key, std::string_view value, std::int64_t offset,
              std::int64_t timestamp_ms, std::span<const Header> headers = {});
  /// Adds a record without key or headers whose value stands in arena() already: for consumers that
  /// read into it.
  void append_stored(std::string_view value, std::int64_t offset, std::int64_t timestamp_ms) {
    records_.push_back(
        {.key = {}, .value = value, .offset = offset, .timestamp_ms = timestamp_ms, .headers = {}});
  }
  std::span<const RecordView> records() const { return records_; }
  bool empty() const { return records_.empty(); }
  std::size_t bytes() const { return arena_.used_bytes(); }
  /// Memory that lives as long as the batch: for what decoders must copy (unescaped strings).
  Arena& arena() { return arena_; }
  void reset();

 private:
  std::vector<RecordView> records_;
  std::vector<std::unique_ptr<std::vector<Header>>> headers_;
  Arena arena_;
};

}  // namespace millrace
