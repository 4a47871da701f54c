#include "millrace/state/rocksdb/rocksdb_table.h"

#include <algorithm>

namespace millrace {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace

std::optional<std::string_view> RocksdbTable::get(std::string_view key) {
  value_.Reset();
  const rocksdb::Status status = database_.db().Get({}, column(), slice(key), &value_);
  if (status.ok()) return view(value_);
  if (!status.IsNotFound()) database_.fail(status);
  return std::nullopt;
}

void RocksdbTable::get_many(
    std::span<const std::string_view> keys,
    const std::function<void(std::size_t, std::optional<std::string_view>)>& visit) {
  order_.sort(keys);
  for (std::size_t begin = 0; begin < keys.size(); begin += kKeysAtOnce) {
    const std::size_t count = std::min(kKeysAtOnce, keys.size() - begin);
    keys_.clear();
    for (std::size_t i = 0; i < count; ++i) keys_.push_back(slice(keys[order_[begin + i]]));
    if (values_.size() < count) {
      values_.resize(count);
      statuses_.resize(count);
    }
    database_.db().MultiGet({}, column(), count, keys_.data(), values_.data(), statuses_.data(),
                            /*sorted_input=*/true);
    for (std::size_t i = 0; i < count; ++i) {
      if (statuses_[i].ok()) {
        visit(order_[begin + i], view(values_[i]));
      } else {
        if (!statuses_[i].IsNotFound()) database_.fail(statuses_[i]);
        visit(order_[begin + i], std::nullopt);
      }
      values_[i].Reset();
    }
  }
}

bool RocksdbTable::may_contain(std::string_view key) {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  rocksdb::PinnableSlice value;
  return !database_.db().Get(options, column(), slice(key), &value).IsNotFound();
}

void RocksdbTable::scan(std::string_view from, std::string_view to,
                        const std::function<void(std::string_view, std::string_view)>& visit) {
  const rocksdb::Slice end = slice(to);
  rocksdb::ReadOptions options;
  if (to.data() != nullptr) options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator(options, column()));
  for (at->Seek(slice(from)); at->Valid(); at->Next()) visit(view(at->key()), view(at->value()));
  if (!at->status().ok()) database_.fail(at->status());
}

bool RocksdbTable::empty() {
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator({}, column()));
  at->SeekToFirst();
  if (!at->status().ok()) database_.fail(at->status());
  return !at->Valid();
}

// Adding to a batch fails only without bounds on its size, and there are none.
void RocksdbTable::put(std::string_view key, std::string_view value) {
  database_.batch().Put(column(), slice(key), slice(value)).PermitUncheckedError();
}
void RocksdbTable::erase(std::string_view key) {
  database_.batch().Delete(column(), slice(key)).PermitUncheckedError();
}
void RocksdbTable::erase_range(std::string_view from, std::string_view to) {
  database_.batch().DeleteRange(column(), slice(from), slice(to)).PermitUncheckedError();
}

}  // namespace millrace
