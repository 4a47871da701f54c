#include "millrace/state/rocksdb/bulk_load.h"

#include <rocksdb/sst_file_writer.h>

#include <algorithm>

#include "millrace/state/key_head.h"

namespace millrace {
namespace {

constexpr std::size_t kFewBytes = std::size_t{1} << 20;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void BulkLoad::add(std::string_view key, std::string_view value) {
  records_.push_back({key_head(key), bytes_.copy(key), bytes_.copy(value)});
}

/// Ascending, each key once.
void BulkLoad::sort() {
  std::ranges::stable_sort(records_, [](const Record& a, const Record& b) {
    return a.head != b.head ? a.head < b.head : a.key < b.key;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (i + 1 < records_.size() && records_[i].key == records_[i + 1].key) continue;
    records_[kept++] = records_[i];
  }
  records_.resize(kept);
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
    clear();
    return {};
  }
  sort();
  const Status written = database_.add_table(store_, [&](rocksdb::SstFileWriter& table) {
    rocksdb::Status status;
    for (std::size_t i = 0; i < records_.size() && status.ok(); ++i)
      status = records_[i].value.data() != nullptr
                   ? table.Put(slice(records_[i].key), slice(records_[i].value))
                   : table.Delete(slice(records_[i].key));
    return status;
  });
  clear();
  return written;
}

void BulkLoad::clear() {
  records_.clear();
  bytes_.reset(0);
}

}  // namespace millrace
