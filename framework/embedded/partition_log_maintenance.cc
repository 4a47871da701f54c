// What a PartitionLog does besides reading and writing: letting go of its tail, and compaction.

#include <algorithm>

#include "millrace/framework/embedded/partition_log.h"

namespace millrace::embedded {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;
/// Cleaning per append or commit: this, and a multiple of what was appended, so that a pass ends
/// before the next is due.
constexpr std::size_t kCleanBytes = 1 << 20;
constexpr std::size_t kCleanFactor = 4;

}  // namespace

void PartitionLog::maintain(std::size_t appended_bytes) {
  if (storage_ != nullptr) evict();
  if (!configs_.compacted) return;
  compaction_.appended(appended_bytes);
  if (compaction_.due()) {
    const std::int64_t sealed = chunks_.empty() ? end_ : chunks_.back()->base;
    compaction_.begin(start_, std::min(stable_end(), storage_ == nullptr ? sealed : tail_start_));
  }
  if (compaction_.phase() != LogCompaction::Phase::kIdle)
    clean(kCleanBytes + kCleanFactor * appended_bytes);
}

void PartitionLog::evict() {
  const std::int64_t stable = stable_end();
  while (chunks_.size() > 1 && chunk_bytes_ > settings_.tail_bytes &&
         chunks_.front()->next <= stable) {
    chunk_bytes_ -= chunks_.front()->data.size();
    chunks_.pop_front();
    tail_start_ = chunks_.front()->base;
  }
}

void PartitionLog::clean(std::size_t budget) {
  std::size_t done = 0;
  while (done < budget && compaction_.phase() != LogCompaction::Phase::kIdle)
    done += storage_ == nullptr ? clean_chunk(compaction_.cursor())
                                : clean_stored(compaction_.cursor());
}

std::size_t PartitionLog::clean_chunk(std::int64_t cursor) {
  const auto found = std::ranges::partition_point(
      chunks_, [&](const auto& chunk) { return chunk->next <= cursor; });
  if (found == chunks_.end() || (*found)->next > compaction_.end()) {
    compaction_.advance(compaction_.end());
    return 0;
  }
  const std::shared_ptr<Chunk> old = *found;
  const bool rewrite = compaction_.phase() == LogCompaction::Phase::kRewrite;
  std::int64_t first = 0, next = 0;
  const std::string kept = survivors(std::string_view(old->data).substr(0, old->size), first, next);
  compaction_.advance(old->next);
  if (!rewrite || kept.size() == old->size) return old->size;

  // Readers may hold the old chunk, so what is left goes to a new one: joined with the one before
  // while it is small.
  chunk_bytes_ -= old->data.size();
  const auto at = chunks_.erase(found);
  if (kept.empty()) return old->size;
  auto chunk = std::make_shared<Chunk>();
  std::string_view before;
  const bool join = at != chunks_.begin() && (*std::prev(at))->size + kept.size() <= kPieceBytes;
  const std::shared_ptr<Chunk> left = join ? *std::prev(at) : nullptr;
  if (join) before = std::string_view(left->data).substr(0, left->size);
  chunk->base = join ? left->base : first;
  chunk->next = next;
  chunk->data.reserve(before.size() + kept.size());
  chunk->data.append(before).append(kept);
  chunk->size = chunk->data.size();
  chunk_bytes_ += chunk->size;
  if (join) {
    chunk_bytes_ -= left->data.size();
    *std::prev(at) = std::move(chunk);
  } else {
    chunks_.insert(at, std::move(chunk));
  }
  return old->size;
}

std::size_t PartitionLog::clean_stored(std::int64_t cursor) {
  std::string bytes;
  std::vector<std::string> keys;
  if (!storage_->read_records(id_, cursor, compaction_.end(), kPieceBytes, bytes, keys).ok()) {
    compaction_.abandon();  // nothing is lost; the next read or write reports what is wrong with
                            // the directory
    return 0;
  }
  if (bytes.empty()) {
    compaction_.advance(compaction_.end());
    return 0;
  }
  const bool rewrite = compaction_.phase() == LogCompaction::Phase::kRewrite;
  std::int64_t first = 0, next = 0;
  const std::string kept = survivors(bytes, first, next);
  compaction_.advance(offset_of_records_key(keys.back()) + 1);
  if (!rewrite || (kept.size() == bytes.size() && keys.size() == 1)) return bytes.size();
  Storage::Batch batch;
  for (const std::string& key : keys) batch.erase(key);
  if (!kept.empty()) batch.put_records(id_, next - 1, kept);
  if (!storage_->write(batch).ok()) compaction_.abandon();
  return bytes.size();
}

/// Notes the records in the index, or returns those that stay, depending on the phase.
std::string PartitionLog::survivors(std::string_view bytes, std::int64_t& first,
                                    std::int64_t& next) {
  const bool rewrite = compaction_.phase() == LogCompaction::Phase::kRewrite;
  const std::int64_t now = clock_.wall_ms();
  std::string kept;
  LogRecord record;
  for (const char* begin = bytes.data(); parse_record(bytes, record); begin = bytes.data()) {
    if (is_aborted(record.offset)) continue;
    const auto size = static_cast<std::size_t>(bytes.data() - begin);
    if (!rewrite) {
      compaction_.index(record);
    } else if (compaction_.keep(record, now, size)) {
      if (kept.empty()) first = record.offset;
      next = record.offset + 1;
      kept.append(begin, size);
    }
  }
  return kept;
}

}  // namespace millrace::embedded
