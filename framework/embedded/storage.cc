#include "millrace/framework/embedded/storage.h"

#include <fmt/format.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace millrace::embedded {
namespace {

/// Passes RocksDB's warnings on to the library's sink.
class RocksLog final : public rocksdb::Logger {
 public:
  explicit RocksLog(LogSink& log) : rocksdb::Logger(rocksdb::WARN_LEVEL), log_(log) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    write(LogLevel::kInfo, format, arguments);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level == rocksdb::HEADER_LEVEL || level < GetInfoLogLevel()) return;
    write(level >= rocksdb::ERROR_LEVEL ? LogLevel::kError : LogLevel::kWarning, format, arguments);
  }

 private:
  void write(LogLevel level, const char* format, va_list arguments) {
    char text[1024];
    std::vsnprintf(text, sizeof text, format, arguments);
    log_.write(level, "rocksdb", {{"message", text}});
  }
  LogSink& log_;
};

rocksdb::Options options_for(LogSink& log) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.info_log = std::make_shared<RocksLog>(log);
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 16 << 20;
  options.max_write_buffer_number = 3;
  options.max_open_files = 256;
  // Large runs stay out of the tree, so that a log is written once and not with every level.
  options.enable_blob_files = true;
  options.min_blob_size = 16 << 10;
  options.enable_blob_garbage_collection = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8 << 20);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace

void Storage::Batch::put_records(LogId log, std::int64_t last, std::string_view records) {
  const std::string key = records_key(log, last);
  const std::string head = encode_records({});
  const rocksdb::Slice whole_key(key);
  const rocksdb::Slice parts[] = {head, {records.data(), records.size()}};
  batch_.Put(rocksdb::SliceParts(&whole_key, 1), rocksdb::SliceParts(parts, 2));
}

Result<std::unique_ptr<Storage>> Storage::open(const std::string& directory, LogSink& log) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Status::failed(fmt::format("embedded broker: directory '{}' cannot be made: {}",
                                      directory, error.message()));
  std::unique_ptr<Storage> storage(new Storage(directory));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options_for(log), directory, &db);
  storage->db_.reset(db);
  if (!opened.ok()) {
    const std::string text = opened.ToString();
    if (opened.IsIOError() && text.find("/LOCK") != std::string::npos &&
        text.find("lock") != std::string::npos)
      return Status::failed(fmt::format(
          "embedded broker: directory '{}' is in use: an embedded broker serves one process at a "
          "time; stop the other one, choose another directory, or use Kafka ({})",
          directory, text));
    return storage->failed("cannot be opened", opened);
  }
  auto version = storage->get(version_key());
  if (!version.ok()) return version.status();
  if (version->empty()) {
    Batch batch;
    batch.put(version_key(), encode_version());
    MILLRACE_RETURN_IF_ERROR(storage->write(batch));
  } else {
    MILLRACE_RETURN_IF_ERROR(check_version(*version));
  }
  return storage;
}

Status Storage::failed(std::string_view what, const rocksdb::Status& status) const {
  return Status::failed(
      fmt::format("embedded broker: directory '{}' {}: {}", directory_, what, status.ToString()));
}

Status Storage::write(Batch& batch) {
  const std::lock_guard lock(writing_);
  const rocksdb::Status status = db_->Write({}, &batch.batch_);
  return status.ok() ? Status{} : failed("cannot be written", status);
}

Result<std::string> Storage::get(const std::string& key) {
  std::string value;
  const rocksdb::Status status = db_->Get({}, key, &value);
  if (!status.ok() && !status.IsNotFound()) return failed("cannot be read", status);
  return value;
}

Status Storage::scan(char prefix,
                     const std::function<Status(std::string_view, std::string_view)>& visit) {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  for (it->Seek(std::string(1, prefix)); it->Valid() && it->key()[0] == prefix; it->Next())
    MILLRACE_RETURN_IF_ERROR(visit(view(it->key()), view(it->value())));
  return it->status().ok() ? Status{} : failed("cannot be read", it->status());
}

Status Storage::read_records(LogId log, std::int64_t from, std::int64_t until, std::size_t budget,
                             std::string& bytes, std::vector<std::string>& keys) {
  const std::string end = records_key(log, until);
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options;
  options.fill_cache = false;  // a log is read once, in order
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->Seek(records_key(log, from)); it->Valid() && bytes.size() < budget; it->Next()) {
    const auto records = decode_records(view(it->value()));
    if (!records.ok()) return records.status();
    bytes.append(*records);
    keys.push_back(it->key().ToString());
  }
  return it->status().ok() ? Status{} : failed("cannot be read", it->status());
}

}  // namespace millrace::embedded
