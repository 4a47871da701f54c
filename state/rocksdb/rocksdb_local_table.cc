#include "millrace/state/rocksdb/rocksdb_local_table.h"

#include <algorithm>
#include <memory>

namespace millrace {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::optional<std::string_view> RocksdbLocalTable::get(std::string_view key) {
  if (column() == nullptr) return std::nullopt;
  const rocksdb::Status status = database_.db().Get({}, column(), slice(key), &value_);
  if (status.ok()) return value_;
  if (!status.IsNotFound()) database_.fail(status);
  return std::nullopt;
}

void RocksdbLocalTable::find_many(std::span<const std::string_view> keys,
                                  const std::function<void(std::size_t)>& visit) {
  if (column() == nullptr) return;
  order_.sort(keys);
  values_.resize(kKeysAtOnce);
  statuses_.resize(kKeysAtOnce);
  for (std::size_t begin = 0; begin < keys.size(); begin += kKeysAtOnce) {
    const std::size_t count = std::min(kKeysAtOnce, keys.size() - begin);
    keys_.clear();
    for (std::size_t i = 0; i < count; ++i) keys_.push_back(slice(keys[order_[begin + i]]));
    database_.db().MultiGet({}, column(), count, keys_.data(), values_.data(), statuses_.data(),
                            /*sorted_input=*/true);
    for (std::size_t i = 0; i < count; ++i) {
      if (statuses_[i].ok())
        visit(order_[begin + i]);
      else if (!statuses_[i].IsNotFound())
        database_.fail(statuses_[i]);
      values_[i].Reset();
    }
  }
}

std::optional<std::string> RocksdbLocalTable::first_key(std::string_view from) {
  if (column() == nullptr) return std::nullopt;
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator({}, column()));
  at->Seek(slice(from));
  if (!at->status().ok()) database_.fail(at->status());
  if (!at->Valid()) return std::nullopt;
  return at->key().ToString();
}

// Adding to a batch fails only without bounds on its size, and there are none. The batch is empty
// between commits; the database keeps failures.
void RocksdbLocalTable::put(std::string_view key, std::string_view value) {
  if (!make()) return;
  database_.batch().Put(column(), slice(key), slice(value)).PermitUncheckedError();
  write();
}

void RocksdbLocalTable::put_keys(std::size_t count, const std::function<std::string_view()>& next) {
  if (!make()) return;
  if (count <= kFewKeys) {
    for (; count > 0; --count)
      database_.batch().Put(column(), slice(next()), {}).PermitUncheckedError();
    return write();
  }
  const Status added = database_.add_table(column(), [&](rocksdb::SstFileWriter& table) {
    rocksdb::Status put;
    for (; count > 0 && put.ok(); --count) put = table.Put(slice(next()), {});
    return put;
  });
  if (!added.ok()) database_.keep(added);
}

void RocksdbLocalTable::erase_range(std::string_view from, std::string_view to) {
  if (from >= to || column() == nullptr) return;
  database_.batch().DeleteRange(column(), slice(from), slice(to)).PermitUncheckedError();
  write();
}

bool RocksdbLocalTable::make() { return database_.make_local_column(store_).ok(); }

void RocksdbLocalTable::write() {
  const Status status = database_.write();
  static_cast<void>(status);
}

}  // namespace millrace
