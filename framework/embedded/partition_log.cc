#include "millrace/framework/embedded/partition_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace millrace::embedded {
namespace {

constexpr std::size_t kLeastChunkBytes = 256;
constexpr std::size_t kFirstChunkBytes = 4 << 10;
constexpr std::size_t kChunkBytes = 256 << 10;

std::shared_ptr<Chunk> make_chunk(std::int64_t base, std::size_t capacity) {
  auto chunk = std::make_shared<Chunk>();
  chunk->base = chunk->next = base;
  chunk->data.resize(capacity);
  return chunk;
}

std::string_view view(const Chunk& chunk, std::size_t begin, std::size_t end) {
  return {chunk.data.data() + begin, end - begin};
}

}  // namespace

void PendingRecords::add(const OutgoingRecord& record, std::int64_t timestamp_ms) {
  last_begin_ = bytes_.size();
  bytes_.append(sizeof(std::uint32_t), '\0');
  append_record_body(record, timestamp_ms, bytes_);
  const auto size = static_cast<std::uint32_t>(bytes_.size() - last_begin_ - sizeof(std::uint32_t));
  std::memcpy(bytes_.data() + last_begin_, &size, sizeof size);
  ++count_;
}

void PendingRecords::drop_last() {
  bytes_.resize(last_begin_);
  --count_;
}

void PendingRecords::clear() {
  bytes_.clear();
  last_begin_ = 0;
  count_ = 0;
}

std::size_t PendingRecords::written_bound() const {
  return bytes_.size() +
         static_cast<std::size_t>(count_) * (kMaxOffsetBytes - sizeof(std::uint32_t));
}

char* PendingRecords::write(std::int64_t first, char* to) const {
  for (const char* from = bytes_.data(); from != bytes_.data() + bytes_.size();) {
    std::uint32_t size;
    std::memcpy(&size, from, sizeof size);
    from += sizeof size;
    to = write_offset(first++, to);
    std::memcpy(to, from, size);
    from += size;
    to += size;
  }
  return to;
}

PartitionLog::PartitionLog(TopicPartition name, LogId id, const TopicConfigs& configs,
                           const LogSettings& settings, Clock& clock, Storage* storage,
                           StoredBounds bounds)
    : name_(std::move(name)),
      id_(id),
      configs_(configs),
      settings_(settings),
      clock_(clock),
      storage_(storage),
      start_(bounds.start),
      end_(bounds.end),
      tail_start_(bounds.end),
      compaction_(configs, settings.compaction_floor_bytes) {}

Result<std::int64_t> PartitionLog::append(const PendingRecords& records,
                                          std::uint64_t transaction) {
  const std::lock_guard lock(mutex_);
  if (deleted_) return Status::failed(fmt::format("topic '{}' has been deleted", name_.topic));
  Chunk& chunk = room_for(records.written_bound());
  char* const begin = chunk.data.data() + chunk.size;
  const auto bytes = static_cast<std::size_t>(records.write(end_, begin) - begin);
  const std::int64_t next = end_ + records.count();
  if (storage_ != nullptr && transaction == kNoTransaction) {
    Storage::Batch batch;
    batch.put_records(id_, next - 1, {begin, bytes});
    batch.put(bounds_key(id_), encode(StoredBounds{start_, next}));
    MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
  }
  // From here on readers may see it.
  const std::int64_t first = std::exchange(end_, next);
  const std::size_t from = std::exchange(chunk.size, chunk.size + bytes);
  chunk.next = next;
  if (transaction == kNoTransaction) {
    maintain(bytes);
  } else {
    auto& extents = open_[transaction];
    if (!extents.empty() && extents.back().chunk == chunks_.back() && extents.back().end == from)
      extents.back().end = chunk.size, extents.back().next = next;
    else
      extents.push_back({chunks_.back(), from, chunk.size, first, next});
  }
  return next - 1;
}

PartitionLog::Ending::Ending(PartitionLog& log, std::uint64_t transaction, bool committed,
                             Storage::Batch* batch)
    : log_(log), lock_(log.mutex_), transaction_(transaction), committed_(committed) {
  if (batch == nullptr || log.deleted_) return;
  if (committed)
    for (const Extent& extent : log.open_[transaction])
      batch->put_records(log.id_, extent.next - 1, view(*extent.chunk, extent.begin, extent.end));
  batch->put(bounds_key(log.id_), encode(StoredBounds{log.start_, log.end_ + 1}));
}

void PartitionLog::Ending::complete() {
  if (log_.deleted_) return;
  std::size_t bytes = 0;
  for (const Extent& extent : log_.open_[transaction_]) {
    bytes += extent.end - extent.begin;
    if (!committed_) log_.add_aborted(extent.first, extent.next);
  }
  if (!committed_) log_.add_aborted(log_.end_, log_.end_ + 1);
  ++log_.end_;
  log_.open_.erase(transaction_);
  log_.maintain(bytes);
}

std::int64_t PartitionLog::stable_end() const {
  std::int64_t stable = end_;
  for (const auto& [transaction, extents] : open_) stable = std::min(stable, extents.front().first);
  return stable;
}

Status PartitionLog::check_position(std::int64_t position) const {
  if (deleted_) return Status::failed(fmt::format("topic '{}' has been deleted", name_.topic));
  if (position >= start_ && position <= end_) return {};
  return Status::failed(fmt::format("offset {} of {}-{} is out of range: the log holds {} to {}",
                                    position, name_.topic, name_.partition, start_, end_));
}

Chunk& PartitionLog::room_for(std::size_t bytes) {
  if (chunks_.empty() || chunks_.back()->data.size() - chunks_.back()->size < bytes) {
    const std::size_t grown =
        chunks_.empty() ? kFirstChunkBytes : std::min(chunks_.back()->data.size() * 2, kChunkBytes);
    // Only whole chunks are cleaned: one must not hold more than what makes a pass worthwhile.
    const std::size_t most =
        std::clamp(settings_.compaction_floor_bytes, kLeastChunkBytes, kChunkBytes);
    chunks_.push_back(
        make_chunk(end_, std::max(bytes, configs_.compacted ? std::min(grown, most) : grown)));
    chunk_bytes_ += chunks_.back()->data.size();
  }
  return *chunks_.back();
}

Status PartitionLog::read(std::int64_t position, bool read_committed, LogCursor& cursor,
                          Readable& readable) {
  std::int64_t stored_until = 0;
  {
    const std::lock_guard lock(mutex_);
    MILLRACE_RETURN_IF_ERROR(check_position(position));
    readable.end = end_;
    readable.limit = read_committed ? stable_end() : end_;
    readable.resume = readable.limit;
    readable.bytes = {};
    readable.aborted.clear();
    if (position >= readable.limit) return {};
    if (cursor.chunk == nullptr || cursor.at == cursor.chunk->size) {
      cursor = {};
      const auto chunk = std::ranges::partition_point(
          chunks_, [&](const auto& candidate) { return candidate->next <= position; });
      if (storage_ != nullptr && position < tail_start_)
        stored_until = readable.resume = tail_start_;
      else if (chunk == chunks_.end())
        return {};
      else
        cursor.chunk = *chunk;
    }
    if (cursor.chunk != nullptr) {
      readable.bytes = view(*cursor.chunk, cursor.at, cursor.chunk->size);
      if (read_committed && !aborted_.empty()) {
        auto range = aborted_.upper_bound(position);
        if (range != aborted_.begin()) --range;
        for (; range != aborted_.end() && range->first < cursor.chunk->next; ++range)
          readable.aborted.push_back(*range);
      }
      return {};
    }
  }
  // Nothing in the store changes what a reader may see, so the log need not be locked for it.
  auto chunk = std::make_shared<Chunk>();
  chunk->data.reserve(kChunkBytes + kChunkBytes / 2);  // a run is mostly a producer's batch
  std::vector<std::string> keys;
  MILLRACE_RETURN_IF_ERROR(
      storage_->read_records(id_, position, stored_until, kChunkBytes, chunk->data, keys));
  if (keys.empty()) return {};
  chunk->base = position;
  chunk->next = offset_of_records_key(keys.back()) + 1;
  chunk->size = chunk->data.size();
  readable.bytes = view(*chunk, 0, chunk->size);
  cursor.chunk = std::move(chunk);
  return {};
}

StoredBounds PartitionLog::bounds() const {
  const std::lock_guard lock(mutex_);
  return {start_, end_};
}

Status PartitionLog::delete_before(std::int64_t offset) {
  const std::lock_guard lock(mutex_);
  if (offset > end_ || deleted_) return check_position(offset);
  if (offset <= start_) return {};
  if (storage_ != nullptr) {
    Storage::Batch batch;
    batch.erase_range(records_key(id_, 0), records_key(id_, offset));
    batch.put(bounds_key(id_), encode(StoredBounds{offset, end_}));
    MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
  }
  start_ = offset;
  while (!chunks_.empty() && chunks_.front()->next <= start_) {
    chunk_bytes_ -= chunks_.front()->data.size();
    chunks_.pop_front();
  }
  while (!aborted_.empty() && aborted_.begin()->second <= start_) aborted_.erase(aborted_.begin());
  if (storage_ != nullptr)
    tail_start_ = std::max(tail_start_, chunks_.empty() ? end_ : chunks_.front()->base);
  return {};
}

void PartitionLog::mark_deleted() {
  const std::lock_guard lock(mutex_);
  deleted_ = true;
  open_.clear();
  chunks_.clear();
}

void PartitionLog::add_aborted(std::int64_t first, std::int64_t next) {
  auto after = aborted_.lower_bound(first);
  if (after != aborted_.end() && after->first == next) {
    next = after->second;
    after = aborted_.erase(after);
  }
  if (after != aborted_.begin() && std::prev(after)->second == first)
    std::prev(after)->second = next;
  else
    aborted_.emplace(first, next);
}

bool PartitionLog::is_aborted(std::int64_t offset) const {
  const auto after = aborted_.upper_bound(offset);
  return after != aborted_.begin() && offset < std::prev(after)->second;
}

}  // namespace millrace::embedded
