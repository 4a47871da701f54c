#include "millrace/state/rocksdb/task_database.h"

#include <fmt/format.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr int kTablesOfARestore = 20;
constexpr std::size_t kKeptBatchBytes = std::size_t{16} << 20;

/// Stores have names of their own: one may be called "default".
std::string column_name(const std::string& store) { return "store:" + store; }
std::string local_name(const std::string& store) { return "local:" + store; }

Status damaged(std::string_view path, std::string_view what) {
  return Status::failed(
      fmt::format("task state in '{}' is damaged: remove that directory, and the task is restored "
                  "from its changelog ({})",
                  path, what));
}

}  // namespace

Result<std::unique_ptr<TaskDatabase>> TaskDatabase::open(const RocksdbBackend& backend,
                                                         const std::string& path,
                                                         const std::vector<std::string>& stores) {
  std::unique_ptr<TaskDatabase> opened(new TaskDatabase(backend, path, stores));
  std::error_code trouble;
  fs::create_directories(path, trouble);
  if (trouble) return opened->error("made", rocksdb::Status::IOError(trouble.message()));
  MILLRACE_RETURN_IF_ERROR(opened->check_complete());
  std::vector<rocksdb::ColumnFamilyDescriptor> columns{
      {rocksdb::kDefaultColumnFamilyName, backend.column}};
  for (const std::string& store : stores) columns.emplace_back(column_name(store), backend.column);
  std::vector<std::string> there;  // none, if there is no database yet: opening will tell
  rocksdb::DB::ListColumnFamilies(backend.database, path, &there).PermitUncheckedError();
  std::vector<std::size_t> local;
  for (std::size_t i = 0; i < stores.size(); ++i) {
    if (std::ranges::find(there, local_name(stores[i])) == there.end()) continue;
    columns.emplace_back(local_name(stores[i]), backend.local_column);
    local.push_back(i);
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(backend.database, path, columns, &opened->columns_, &db);
  opened->db_.reset(db);
  if (!status.ok()) return opened->error("opened", status);
  for (std::size_t i = 0; i < local.size(); ++i)
    opened->local_columns_[local[i]] = opened->columns_[1 + stores.size() + i];
  opened->columns_.resize(1 + stores.size());
  return opened;
}

/// RocksDB would make a new database where the file is gone that names the parts of the old one.
Status TaskDatabase::check_complete() const {
  std::error_code error;
  if (fs::exists(path_ + "/CURRENT", error)) return {};
  for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".sst")
      return damaged(path_, fmt::format("the file CURRENT is missing beside {}",
                                        at->path().filename().string()));
  return {};
}

TaskDatabase::~TaskDatabase() {
  if (db_ == nullptr) return;
  // So that the next start has no log to read; where it fails, there is the log.
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = true;
  db_->Flush(flush, columns_).PermitUncheckedError();
  // A column family that cannot be closed would leak, nothing more.
  for (rocksdb::ColumnFamilyHandle* column : columns_)
    db_->DestroyColumnFamilyHandle(column).PermitUncheckedError();
  for (rocksdb::ColumnFamilyHandle* column : local_columns_)
    if (column != nullptr) db_->DestroyColumnFamilyHandle(column).PermitUncheckedError();
}

Status TaskDatabase::write() {
  rocksdb::WriteOptions options;
  options.memtable_insert_hint_per_batch = true;  // keys of a commit come ascending
  const rocksdb::Status status = db_->Write(options, &batch_);
  if (batch_.GetDataSize() > kKeptBatchBytes)
    batch_ = rocksdb::WriteBatch();
  else
    batch_.Clear();
  return keep("written", status);
}

Status TaskDatabase::add_table(
    rocksdb::ColumnFamilyHandle* column,
    const std::function<rocksdb::Status(rocksdb::SstFileWriter&)>& fill) {
  // No name of RocksDB's own.
  const std::string file = fmt::format("{}/added-{}.table", path_, column->GetID());
  // A process that was killed may have left it as a second name of a table that is in use.
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  rocksdb::SstFileWriter table({}, db_->GetOptions(column), column);
  rocksdb::Status status = table.Open(file);
  if (status.ok()) status = fill(table);
  if (status.ok()) status = table.Finish();
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.write_global_seqno = false;
  if (status.ok()) status = db_->IngestExternalFile(column, {file}, options);
  return status.ok() ? Status{} : error("written", status);
}

Status TaskDatabase::put_own(const std::string& key, const std::string& value) {
  const rocksdb::Status status = db_->Put({}, columns_.front(), key, value);
  return status.ok() ? Status{} : error("written", status);
}

Status TaskDatabase::expect_tables(std::size_t store, bool many) {
  const int trigger = many ? kTablesOfARestore : backend_.column.level0_file_num_compaction_trigger;
  return keep("written", db_->SetOptions(column(store), {{"level0_file_num_compaction_trigger",
                                                          std::to_string(trigger)}}));
}

Status TaskDatabase::drop(std::size_t store) {
  // First what is derived from the other.
  if (local_columns_[store] != nullptr)
    MILLRACE_RETURN_IF_ERROR(
        make_anew(local_columns_[store], backend_.local_column, local_name(stores_[store])));
  return make_anew(columns_[store + 1], backend_.column, column_name(stores_[store]));
}

Status TaskDatabase::make_local_column(std::size_t store) {
  if (local_columns_[store] != nullptr) return {};
  return keep("written", db_->CreateColumnFamily(backend_.local_column, local_name(stores_[store]),
                                                 &local_columns_[store]));
}

Status TaskDatabase::make_anew(rocksdb::ColumnFamilyHandle*& column,
                               const rocksdb::ColumnFamilyOptions& options,
                               const std::string& name) {
  rocksdb::ColumnFamilyHandle* fresh = nullptr;
  rocksdb::Status status = db_->DropColumnFamily(column);
  if (status.ok()) status = db_->CreateColumnFamily(options, name, &fresh);
  if (!status.ok()) return keep("written", status);
  db_->DestroyColumnFamilyHandle(column).PermitUncheckedError();
  column = fresh;
  return {};
}

Status TaskDatabase::keep(std::string_view verb, const rocksdb::Status& status) {
  if (status.ok()) return {};
  Status result = error(verb, status);
  if (failure_.ok()) failure_ = result;
  return result;
}

Status TaskDatabase::error(std::string_view verb, const rocksdb::Status& status) const {
  const std::string text = status.ToString();
  // A part of a database that is not there is no matter of permission.
  if (!status.IsIOError() || status.IsPathNotFound()) return damaged(path_, text);
  if (status.IsNoSpace())
    return Status::failed(fmt::format(
        "task state in '{}' cannot be {}: the disk is full: make room, or choose another directory "
        "with --state-dir; what was committed is in the changelog ({})",
        path_, verb, text));
  return Status::failed(fmt::format(
      "task state in '{}' cannot be {}: give permission, or choose another directory with "
      "--state-dir; what was committed is in the changelog ({})",
      path_, verb, text));
}

std::uint64_t TaskDatabase::bytes(std::size_t store) {
  std::uint64_t sum = 0;
  for (rocksdb::ColumnFamilyHandle* each : {column(store), local_column(store)})
    for (const std::string& property : {rocksdb::DB::Properties::kLiveSstFilesSize,
                                        rocksdb::DB::Properties::kCurSizeAllMemTables})
      if (std::uint64_t bytes = 0; each && db_->GetIntProperty(each, property, &bytes))
        sum += bytes;
  return sum;
}

}  // namespace millrace
