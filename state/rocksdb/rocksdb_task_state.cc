#include "millrace/state/rocksdb/rocksdb_task_state.h"

#include <fmt/format.h>
#include <rocksdb/perf_level.h>

#include <algorithm>
#include <cstdlib>

#include "millrace/framework/check.h"
#include "millrace/state/memory_task_state.h"

namespace millrace {
namespace {

/// How much older a position may look than it is, so that a task that has nothing to do writes
/// nothing with the commits of others.
constexpr std::int64_t kRefreshMs = 60'000;

std::string position_key(const std::string& store) { return "position:" + store; }

}  // namespace

Result<std::unique_ptr<TaskState>> RocksdbTaskState::open(RocksdbBackend& backend,
                                                          const TaskStateOptions& options) {
  MILLRACE_RETURN_IF_ERROR(backend.claim({options.application_id, options.topology_fingerprint}));
  if (options.stores.empty())  // nothing to keep
    return memory_task_state_within(options, &backend.kept_beside);
  std::string path =
      fmt::format("{}/{}/{}", backend.options.directory, options.application_id, options.task);
  if (!backend.take(path))
    return Status::retry(
        fmt::format("task state in '{}' is still held by another thread of this process", path));
  // RocksDB counts each comparison of two keys, which nobody reads: a tenth of a thread's time.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  std::unique_ptr<RocksdbTaskState> state(new RocksdbTaskState(backend, options, std::move(path)));
  MILLRACE_RETURN_IF_ERROR(state->open_stores(options.stores));
  return std::unique_ptr<TaskState>(std::move(state));
}

RocksdbTaskState::RocksdbTaskState(RocksdbBackend& backend, const TaskStateOptions& options,
                                   std::string path)
    : backend_(backend),
      task_(options.task),
      path_(std::move(path)),
      life_(options.life),
      opened_ms_(backend.options.clock.wall_ms()) {}

RocksdbTaskState::~RocksdbTaskState() {
  gate_->close();
  stores_.clear();
  database_.reset();
  backend_.give_back(path_);
}

// --- opening: what the directory holds is used, or dropped

Status RocksdbTaskState::open_stores(const std::vector<std::string>& names) {
  auto opened = TaskDatabase::open(backend_, path_, names);
  if (!opened.ok()) return opened.status();
  database_ = std::move(*opened);
  for (std::size_t i = 0; i < names.size(); ++i)
    stores_.emplace_back(names[i], *database_, i, gate_, backend_.kept_beside);
  for (Store& store : stores_) MILLRACE_RETURN_IF_ERROR(open_store(store));
  return database_->status();
}

Status RocksdbTaskState::open_store(Store& store) {
  std::string bytes;
  const rocksdb::Status read =
      database_->db().Get({}, database_->own_column(), position_key(store.name), &bytes);
  if (read.IsNotFound()) {
    // Dropping it was cut short, if there is anything.
    return store.table.empty() ? Status{} : start_over(store);
  }
  if (!read.ok()) {
    database_->fail(read);
    return database_->status();
  }
  auto position = decode_store_position(bytes);
  if (!position.ok())
    return Status::failed(fmt::format(
        "task state in '{}' cannot be used, store '{}': {}: or remove that directory, and the task "
        "is restored from its changelog",
        path_, store.name, position.status().message()));
  store.position = *position;
  if (position->life != life_) {
    backend_.options.log.write(
        LogLevel::kWarning, "local state is from before the application was reset, restoring it",
        {{"task", task_}, {"store", store.name}, {"offset", position->offset}});
    return start_over(store);
  }
  if (!too_old(position->complete_ms)) return {};
  backend_.options.log.write(LogLevel::kWarning,
                             "local state is too old and may have missed tombstones, restoring it",
                             {{"task", task_},
                              {"store", store.name},
                              {"offset", position->offset},
                              {"age_s", (opened_ms_ - position->complete_ms) / 1000},
                              {"limit_s", backend_.options.delete_retention.count() / 2000}});
  return start_over(store);
}

/// A tombstone lives in the changelog for delete.retention.ms. Half of that is for the time before
/// a restore, half for the restore. Either way: a clock that was set back tells no age.
bool RocksdbTaskState::too_old(std::int64_t since_ms) const {
  return std::abs(backend_.options.clock.wall_ms() - since_ms) >=
         backend_.options.delete_retention.count() / 2;
}

/// In this order: without its position, what is left of a store after a crash is dropped at the
/// next start.
Status RocksdbTaskState::start_over(Store& store) {
  store.store.forget();
  store.restoring.clear();
  store.many_tables = false;  // nor has the new column family
  store.position = {};
  database_->batch()
      .Delete(database_->own_column(), position_key(store.name))
      .PermitUncheckedError();
  MILLRACE_RETURN_IF_ERROR(database_->write());
  return gate_->change([&] { return database_->drop(store.column); });
}

// --- restore

/// Data first, on the disk, then the position. After a crash between them the same records come
/// again, onto what they have made already: the last of each key counts, so that changes nothing.
Status RocksdbTaskState::restore(std::string_view name, std::span<const RecordView> records,
                                 std::int64_t position) {
  Store& store = find(name);
  if (records.empty() && position == store.position.offset) return {};
  store.store.forget();
  for (const RecordView& record : records) store.restoring.add(record.key, record.value);
  // Halfway, the data is complete as of no later time than the one it began with.
  if (store.position.complete_ms == 0) store.position.complete_ms = opened_ms_;
  store.position.offset = position;
  store.position.life = life_;
  // Half a buffer: while one half is written, the other one is filled.
  if (store.restoring.bytes() < backend_.column.write_buffer_size / 2) return {};
  if (!store.many_tables) MILLRACE_RETURN_IF_ERROR(database_->expect_tables(store.column, true));
  store.many_tables = true;
  return store.restoring.write(position_key(store.name), encode_store_position(store.position));
}

Status RocksdbTaskState::restored(std::string_view name, std::int64_t position) {
  Store& store = find(name);
  if (too_old(opened_ms_)) {
    backend_.options.log.write(
        LogLevel::kWarning, "restoring took too long and may have missed tombstones, starting over",
        {{"task", task_}, {"store", store.name}, {"offset", position}});
    return start_over(store);
  }
  store.position = {position, opened_ms_, life_};
  MILLRACE_RETURN_IF_ERROR(store.restoring.finish());
  put_position(store, store.position);
  MILLRACE_RETURN_IF_ERROR(database_->write());
  store.restoring.clear();
  if (store.many_tables) MILLRACE_RETURN_IF_ERROR(database_->expect_tables(store.column, false));
  store.many_tables = false;
  return {};
}

Status RocksdbTaskState::reset(std::string_view name) { return start_over(find(name)); }

// --- commit

Status RocksdbTaskState::prepare(ChangelogWriter& writer) {
  MILLRACE_RETURN_IF_ERROR(database_->status());
  prepared_ms_ = backend_.options.clock.wall_ms();  // the transaction is not committed yet
  for (Store& store : stores_) MILLRACE_RETURN_IF_ERROR(store.store.prepare(store.name, writer));
  return database_->status();  // erased ranges are read
}

Status RocksdbTaskState::apply(std::span<const std::int64_t> positions) {
  MILLRACE_CHECK(positions.size() == stores_.size(), "there is one position for each store");
  MILLRACE_RETURN_IF_ERROR(database_->status());
  bool anything = changed();
  for (std::size_t i = 0; i < stores_.size(); ++i)
    anything = anything || positions[i] != stores_[i].position.offset ||
               prepared_ms_ - stores_[i].position.complete_ms >= kRefreshMs;
  if (!anything) return {};
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    Store& store = stores_[i];
    store.store.write_out();
    store.position = {positions[i], prepared_ms_, life_};
    put_position(store, store.position);
  }
  MILLRACE_RETURN_IF_ERROR(database_->write());
  for (Store& store : stores_) store.store.settle();
  return {};
}

void RocksdbTaskState::put_position(const Store& store, const StorePosition& position) {
  database_->batch()
      .Put(database_->own_column(), position_key(store.name), encode_store_position(position))
      .PermitUncheckedError();
}

void RocksdbTaskState::discard() {
  for (Store& store : stores_) store.store.discard();
}

bool RocksdbTaskState::changed() const {
  return std::ranges::any_of(stores_, [](const Store& store) { return store.store.changed(); });
}

std::size_t RocksdbTaskState::pending_bytes() const {
  std::size_t bytes = 0;
  for (const Store& store : stores_) bytes += store.store.pending_bytes();
  return bytes;
}

RocksdbTaskState::Store& RocksdbTaskState::find(std::string_view name) {
  const auto found = std::ranges::find(stores_, name, &Store::name);
  MILLRACE_CHECK(found != stores_.end(), "a task knows its stores by name");
  return *found;
}

}  // namespace millrace
