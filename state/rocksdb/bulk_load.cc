#include "millrace/state/rocksdb/bulk_load.h"

#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "millrace/state/key_head.h"

namespace millrace {
namespace {

constexpr std::size_t kFewBytes = std::size_t{1} << 20;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void BulkLoad::add(std::string_view key, std::string_view value) {
  // Side by side: they are read together, in another order than they came in.
  char* const bytes = bytes_.allocate(key.size() + value.size());
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  records_.push_back({{bytes, key.size()},
                      value.data() == nullptr
                          ? std::string_view()
                          : std::string_view(bytes + key.size(), value.size())});
}

void BulkLoad::sort() {
  ascending_.clear();
  for (std::uint32_t i = 0; i < records_.size(); ++i)
    ascending_.push_back({key_head(records_[i].key), i});
  std::ranges::sort(ascending_, [this](const Place& a, const Place& b) {
    if (a.head != b.head) return a.head < b.head;
    const int order = records_[a.index].key.compare(records_[b.index].key);
    return order != 0 ? order < 0 : a.index < b.index;
  });
  // Of equal keys the last is the one that came last.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ascending_.size(); ++i) {
    if (kept > 0 && ascending_[kept - 1].head == ascending_[i].head &&
        records_[ascending_[kept - 1].index].key == records_[ascending_[i].index].key)
      --kept;
    ascending_[kept++] = ascending_[i];
  }
  ascending_.resize(kept);
}

Status BulkLoad::finish() {
  if (bytes() < kFewBytes) {
    for (const Record& record : records_) {
      if (record.value.data() != nullptr)
        database_.batch()
            .Put(database_.column(store_), slice(record.key), slice(record.value))
            .PermitUncheckedError();
      else
        database_.batch()
            .Delete(database_.column(store_), slice(record.key))
            .PermitUncheckedError();
    }
    records_.clear();
    bytes_.reset();
    return {};
  }
  sort();
  const Status written = database_.add_table(store_, [&](rocksdb::SstFileWriter& table) {
    rocksdb::Status status;
    for (std::size_t i = 0; i < ascending_.size() && status.ok(); ++i) {
      const Record& record = records_[ascending_[i].index];
      status = record.value.data() != nullptr ? table.Put(slice(record.key), slice(record.value))
                                              : table.Delete(slice(record.key));
    }
    return status;
  });
  records_.clear();
  bytes_.reset(std::numeric_limits<std::size_t>::max());  // the next one is as large
  return written;
}

void BulkLoad::clear() {
  std::vector<Record>().swap(records_);
  std::vector<Place>().swap(ascending_);
  bytes_.reset(0);
}

}  // namespace millrace
