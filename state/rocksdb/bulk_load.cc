#include "millrace/state/rocksdb/bulk_load.h"

#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "millrace/framework/check.h"
#include "millrace/state/key_head.h"

namespace millrace {
namespace {

constexpr std::size_t kFewBytes = std::size_t{1} << 20;
constexpr std::size_t kAhead = 16;  // records
constexpr std::size_t kCacheLine = 64;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void BulkLoad::add(std::string_view key, std::string_view value) {
  MILLRACE_CHECK(key.size() < kErased && value.size() < kErased, "they are smaller than 4 GiB");
  // Side by side: they are read together, in another order than they came in.
  char* const bytes = filling_.bytes.allocate(key.size() + value.size());
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  filling_.records.push_back(
      {0, bytes, static_cast<std::uint32_t>(key.size()),
       value.data() == nullptr ? kErased : static_cast<std::uint32_t>(value.size())});
}

/// Ascending, the last of each key alone.
void BulkLoad::sort(std::vector<Record>& records) {
  SharedPrefix shared;
  for (const Record& record : records) shared.add(record.key());
  for (Record& record : records) record.head = key_head(record.key(), shared.size());
  sort_by_key(records, scratch_, &Record::key);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool last = i + 1 == records.size() || records[i].head != records[i + 1].head ||
                      records[i].key() != records[i + 1].key();
    if (last) records[kept++] = records[i];
  }
  records.resize(kept);
}

Status BulkLoad::make_table(Collection& from) {
  const std::vector<Record>& records = from.records;
  sort(from.records);
  const Status written =
      database_.add_table(database_.column(store_), [&](rocksdb::SstFileWriter& table) {
        rocksdb::Status status;
        for (std::size_t i = 0; i < records.size() && status.ok(); ++i) {
          // They lie anywhere: each would be waited for.
          if (i + kAhead < records.size()) {
            const char* const next = records[i + kAhead].bytes;
            __builtin_prefetch(next);
            __builtin_prefetch(next + kCacheLine);
          }
          const Record& record = records[i];
          status = record.value_size != kErased
                       ? table.Put(slice(record.key()), slice(record.value()))
                       : table.Delete(slice(record.key()));
        }
        return status;
      });
  from.reset();
  return written;
}

Status BulkLoad::write(std::string key, std::string value) {
  MILLRACE_RETURN_IF_ERROR(wait());
  std::swap(filling_, writing_);
  // If there can be no more threads, wait() does it.
  writer_ = std::async(std::launch::async | std::launch::deferred,
                       [this, key = std::move(key), value = std::move(value)]() -> Status {
                         MILLRACE_RETURN_IF_ERROR(make_table(writing_));
                         return database_.put_own(key, value);
                       });
  return {};
}

Status BulkLoad::wait() { return writer_.valid() ? writer_.get() : Status{}; }

Status BulkLoad::finish() {
  MILLRACE_RETURN_IF_ERROR(wait());
  if (bytes() >= kFewBytes) return make_table(filling_);
  for (const Record& record : filling_.records) {
    if (record.value_size != kErased)
      database_.batch()
          .Put(database_.column(store_), slice(record.key()), slice(record.value()))
          .PermitUncheckedError();
    else
      database_.batch()
          .Delete(database_.column(store_), slice(record.key()))
          .PermitUncheckedError();
  }
  filling_.reset();
  return {};
}

void BulkLoad::clear() {
  std::ignore = wait();  // what it wrote is dropped, or whole
  filling_ = {};
  writing_ = {};
  std::vector<Record>().swap(scratch_);
}

void BulkLoad::Collection::reset() {
  records.clear();
  bytes.reset(std::numeric_limits<std::size_t>::max());  // the next one is as large
}

}  // namespace millrace
