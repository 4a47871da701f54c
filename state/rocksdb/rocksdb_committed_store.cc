#include "millrace/state/rocksdb/rocksdb_committed_store.h"

#include <rocksdb/snapshot.h>

namespace millrace {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksdbSnapshot final : public StoreSnapshot {
 public:
  RocksdbSnapshot(TaskDatabase& database, std::size_t store, const CommitGate& gate)
      : database_(database), store_(store), gate_(gate), snapshot_(&database.db()) {
    options_.snapshot = snapshot_.snapshot();
    options_.fill_cache = false;  // what the task needs stays there
  }

  std::optional<std::string_view> get(std::string_view key) override {
    value_.Reset();
    const rocksdb::Status status =
        database_.db().Get(options_, database_.column(store_), slice(key), &value_);
    if (status.ok()) return view(value_);
    if (!status.IsNotFound()) fail(status);
    return std::nullopt;
  }

  void scan(std::string_view from, std::string_view to, Order order,
            const std::function<bool(std::string_view, std::string_view)>& visit) override {
    const rocksdb::Slice begin = slice(from);
    const rocksdb::Slice end = slice(to);
    rocksdb::ReadOptions options = options_;
    options.iterate_lower_bound = &begin;
    if (to.data() != nullptr) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> at(
        database_.db().NewIterator(options, database_.column(store_)));
    const bool ascending = order == Order::kAscending;
    ascending ? at->Seek(begin) : at->SeekToLast();
    for (; at->Valid(); ascending ? at->Next() : at->Prev()) {
      if (gate_.closed()) {
        if (status_.ok()) status_ = CommitGate::gone();
        return;
      }
      if (!visit(view(at->key()), view(at->value()))) return;
    }
    if (!at->status().ok()) fail(at->status());
  }

  const Status& status() const { return status_; }

 private:
  void fail(const rocksdb::Status& status) {
    if (status_.ok()) status_ = database_.error("read", status);
  }

  TaskDatabase& database_;
  const std::size_t store_;
  const CommitGate& gate_;
  rocksdb::ManagedSnapshot snapshot_;
  rocksdb::ReadOptions options_;
  rocksdb::PinnableSlice value_;
  Status status_;
};

}  // namespace

Status RocksdbCommittedStore::read(const std::function<void(StoreSnapshot&)>& look) const {
  Status seen;
  const Status entered = gate_->read([&] {
    RocksdbSnapshot snapshot(database_, store_, *gate_);
    look(snapshot);
    seen = snapshot.status();
  });
  return entered.ok() ? seen : entered;
}

}  // namespace millrace
