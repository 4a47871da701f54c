#include "millrace/state/rocksdb/rocksdb_state.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

#include "millrace/state/rocksdb/rocksdb_backend.h"
#include "millrace/state/rocksdb/rocksdb_log.h"
#include "millrace/state/rocksdb/rocksdb_task_state.h"

namespace millrace {
namespace {

constexpr std::size_t kLeastWriteBuffer = std::size_t{1} << 20;
constexpr std::size_t kMostWriteBuffer = std::size_t{64} << 20;
constexpr std::uint64_t kFilterPage = std::uint64_t{64} << 10;
constexpr std::size_t kLeastCacheShard = std::size_t{16} << 20;

/// RocksDB would cut the cache into pieces smaller than the filter of one table, which then is read
/// anew for each look-up.
int cache_shard_bits(std::size_t bytes) {
  int bits = 0;
  while (bits < 6 && bytes >> (bits + 1) >= kLeastCacheShard) ++bits;
  return bits;
}

}  // namespace

RocksdbBackend::RocksdbBackend(const RocksdbStateOptions& given)
    : options(given),
      kept_beside(given.memory_bytes / 2, [this](std::size_t held) { divide(held); }),
      // One budget: write buffers and table filters are charged to the block cache.
      cache_(rocksdb::NewLRUCache(given.memory_bytes, cache_shard_bits(given.memory_bytes))) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache_;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;

  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.info_log = std::make_shared<RocksdbLog>(options.log);
  database.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.memory_bytes / 2, cache_);
  database.avoid_flush_during_recovery = true;  // a restart waits for nothing that can wait
  database.max_open_files = 128;                // per task; filters and indexes are in the cache
  database.max_background_jobs = 2;
  database.allow_concurrent_memtable_write = false;  // a task has one writer
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  database.skip_stats_update_on_db_open = true;

  column.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  column.compression = rocksdb::kNoCompression;
  column.level_compaction_dynamic_level_bytes = true;
  column.write_buffer_size =
      std::clamp(options.memory_bytes / 8, kLeastWriteBuffer, kMostWriteBuffer);
  column.max_write_buffer_number = 4;
  // A log lives until all columns have written what they have of it to tables, and that of
  // positions never fills a buffer: without a limit, a start after a crash would read a gigabyte.
  database.max_total_wal_size = column.write_buffer_size / 2;
  column.level0_slowdown_writes_trigger = 40;  // what a restore leaves behind slows nobody down
  column.level0_stop_writes_trigger = 60;
  column.memtable_whole_key_filtering = true;  // most reads of a new key stop here
  column.memtable_prefix_bloom_size_ratio = 0.05;

  // What is kept beside a store is asked for keys all over it that mostly are not there, by filters
  // that together may be larger than the cache: so they are read and kept by the page.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = kFilterPage;
  table.pin_l0_filter_and_index_blocks_in_cache = false;
  local_column = column;
  // Each of its tables spans all others of a window: levels would merge all of it again and again.
  local_column.compaction_style = rocksdb::kCompactionStyleUniversal;
  local_column.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
}

/// What operators hold beside stores is not there for RocksDB.
void RocksdbBackend::divide(std::size_t held) {
  const std::size_t left = options.memory_bytes - std::min(held, options.memory_bytes / 2);
  cache_->SetCapacity(left);
  database.write_buffer_manager->SetBufferSize(left / 2);
}

Status RocksdbBackend::claim(const StateStamp& stamp) {
  const std::lock_guard lock(mutex_);
  if (const auto found = directories_.find(stamp.application_id); found != directories_.end()) {
    if (found->second->stamp() == stamp) return {};
    return Status::failed(fmt::format(
        "state directory '{}' is in use by another topology of this process ({}, this one is {}): "
        "give it another application id",
        found->second->path(), found->second->stamp().topology_fingerprint,
        stamp.topology_fingerprint));
  }
  auto claimed = StateDirectory::claim(options.directory + "/" + stamp.application_id, stamp);
  if (!claimed.ok()) return claimed.status();
  directories_.emplace(stamp.application_id, std::move(*claimed));
  return {};
}

bool RocksdbBackend::take(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return taken_.insert(path).second;
}

void RocksdbBackend::give_back(const std::string& path) {
  const std::lock_guard lock(mutex_);
  taken_.erase(path);
}

MemoryUsage RocksdbBackend::memory() {
  MemoryUsage usage;
  // Write buffers stand in the cache as entries without content.
  const rocksdb::WriteBufferManager& buffers = *database.write_buffer_manager;
  const std::size_t reserved = buffers.dummy_entries_in_cache_usage();
  const std::size_t cached = cache_->GetUsage();
  usage[MemoryOwner::kBlockCache] = cached - std::min(cached, reserved);
  usage[MemoryOwner::kWriteBuffers] = buffers.memory_usage();
  usage[MemoryOwner::kKept] = kept_beside.held(MemoryUse::kKept);
  usage[MemoryOwner::kRepeatable] = kept_beside.held(MemoryUse::kRepeated);
  return usage;
}

RocksdbState::RocksdbState(const RocksdbStateOptions& options)
    : backend_(std::make_unique<RocksdbBackend>(options)) {}

RocksdbState::~RocksdbState() = default;

Status RocksdbState::claim(const std::string& application_id,
                           const std::string& topology_fingerprint) {
  return backend_->claim({application_id, topology_fingerprint});
}

MemoryUsage RocksdbState::memory() const { return backend_->memory(); }

TaskStateFactory RocksdbState::factory() {
  return [&backend = *backend_](const TaskStateOptions& options) {
    return RocksdbTaskState::open(backend, options);
  };
}

}  // namespace millrace
