#include "millrace/state/rocksdb/bulk_load.h"

#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "millrace/state/key_head.h"

namespace millrace {
namespace {

constexpr std::size_t kFewBytes = std::size_t{1} << 20;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void BulkLoad::add(std::string_view key, std::string_view value) {
  // Side by side: they are read together, in another order than they came in.
  char* const bytes = filling_.bytes.allocate(key.size() + value.size());
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  filling_.records.push_back({{bytes, key.size()},
                              value.data() == nullptr
                                  ? std::string_view()
                                  : std::string_view(bytes + key.size(), value.size())});
}

void BulkLoad::sort(const std::vector<Record>& records) {
  ascending_.clear();
  for (std::uint32_t i = 0; i < records.size(); ++i)
    ascending_.push_back({key_head(records[i].key), i});
  std::ranges::sort(ascending_, [&](const Place& a, const Place& b) {
    if (a.head != b.head) return a.head < b.head;
    const int order = records[a.index].key.compare(records[b.index].key);
    return order != 0 ? order < 0 : a.index < b.index;
  });
  // Of equal keys the last is the one that came last.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ascending_.size(); ++i) {
    if (kept > 0 && ascending_[kept - 1].head == ascending_[i].head &&
        records[ascending_[kept - 1].index].key == records[ascending_[i].index].key)
      --kept;
    ascending_[kept++] = ascending_[i];
  }
  ascending_.resize(kept);
}

Status BulkLoad::make_table(Collection& from) {
  sort(from.records);
  const Status written = database_.add_table(store_, [&](rocksdb::SstFileWriter& table) {
    rocksdb::Status status;
    for (std::size_t i = 0; i < ascending_.size() && status.ok(); ++i) {
      const Record& record = from.records[ascending_[i].index];
      status = record.value.data() != nullptr ? table.Put(slice(record.key), slice(record.value))
                                              : table.Delete(slice(record.key));
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
    if (record.value.data() != nullptr)
      database_.batch()
          .Put(database_.column(store_), slice(record.key), slice(record.value))
          .PermitUncheckedError();
    else
      database_.batch().Delete(database_.column(store_), slice(record.key)).PermitUncheckedError();
  }
  filling_.reset();
  return {};
}

void BulkLoad::clear() {
  std::ignore = wait();  // what it wrote is dropped, or whole
  filling_ = {};
  writing_ = {};
  std::vector<Place>().swap(ascending_);
}

void BulkLoad::Collection::reset() {
  records.clear();
  bytes.reset(std::numeric_limits<std::size_t>::max());  // the next one is as large
}

}  // namespace millrace
