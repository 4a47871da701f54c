#include "millrace/framework/record_batch.h"

#include <algorithm>
#include <cstring>

#include "millrace/framework/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace millrace {

char* Arena::allocate(std::size_t size) {
  const std::size_t wanted = size + kRecordPadding;
  while (current_ < chunks_.size() && chunks_[current_].size - offset_ < wanted) {
    ++current_;
    offset_ = 0;
  }
  if (current_ == chunks_.size()) {
    const std::size_t next = chunks_.empty() ? kFirstChunkBytes : 2 * chunks_.back().size;
    const std::size_t bytes = std::max(std::min(next, kChunkBytes), wanted);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
    reserved_bytes_ += bytes;
    offset_ = 0;
    // A vector parser may look at the padding; its content must not matter, but it must be
    // initialised once.
    std::memset(chunks_.back().data.get(), 0, bytes);
    ASAN_POISON_MEMORY_REGION(chunks_.back().data.get(), bytes);
  }
  char* const begin = chunks_[current_].data.get() + offset_;
  ASAN_UNPOISON_MEMORY_REGION(begin, wanted);
  offset_ += size;  // the padding is shared with what follows
  used_bytes_ += size;
  return begin;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.data() == nullptr) return {};
  char* const to = allocate(text.size());
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::reset(std::size_t keep_bytes) {
  std::size_t kept = 0;
  std::size_t count = 0;
  while (count < chunks_.size() && kept + chunks_[count].size <= keep_bytes) {
    kept += chunks_[count].size;
    ASAN_POISON_MEMORY_REGION(chunks_[count].data.get(), chunks_[count].size);
    ++count;
  }
  for (std::size_t i = count; i < chunks_.size(); ++i)
    ASAN_UNPOISON_MEMORY_REGION(chunks_[i].data.get(), chunks_[i].size);
  chunks_.resize(count);
  reserved_bytes_ = kept;
  current_ = 0;
  offset_ = 0;
  used_bytes_ = 0;
}

void RecordBatch::append(std::string_view key, std::string_view value, std::int64_t offset,
                         std::int64_t timestamp_ms, std::span<const Header> headers) {
  RecordView record;
  record.key = arena_.copy(key);
  record.value = arena_.copy(value);
  record.offset = offset;
  record.timestamp_ms = timestamp_ms;
  if (!headers.empty()) {
    auto& copies = headers_.emplace_back(std::make_unique<std::vector<Header>>());
    for (const Header& header : headers)
      copies->push_back({arena_.copy(header.name), arena_.copy(header.value)});
    record.headers = *copies;
  }
  append_stored(record);
}

void RecordBatch::borrow(void* loan, const std::shared_ptr<RecordLender>& lender) {
  if (lender_ == nullptr) lender_ = lender;
  MILLRACE_CHECK(lender_ == lender, "one lender between two resets");
  loans_.push_back(loan);
}

void RecordBatch::reset() {
  records_.clear();
  headers_.clear();
  bytes_ = 0;
  arena_.reset();
  if (lender_ == nullptr) return;
  lender_->give_back(loans_);
  loans_.clear();
  lender_ = nullptr;
}

}  // namespace millrace
