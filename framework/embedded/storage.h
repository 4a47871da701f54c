#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/embedded/embedded_format.h"
#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace::embedded {

/// The directory of a durable embedded broker: one RocksDB. Thread-safe.
///
/// Writes go through the write-ahead log without fsync: they survive the process, not a power loss.
class Storage {
 public:
  /// Puts and deletes that happen together or not at all.
  class Batch {
   public:
    /// `bytes`: what will be in it, about; it grows by doubling.
    explicit Batch(std::size_t bytes = 0) : batch_(bytes) {}
    void put(const std::string& key, const std::string& value) { batch_.Put(key, value); }
    void erase(const std::string& key) { batch_.Delete(key); }
    /// Every key in [from, until).
    void erase_range(const std::string& from, const std::string& until) {
      batch_.DeleteRange(from, until);
    }
    /// A run of records; filed under its last offset, so that a seek to any offset finds the run
    /// that holds it.
    void put_records(LogId log, std::int64_t last, std::string_view records);

   private:
    friend class Storage;
    rocksdb::WriteBatch batch_;
  };

  /// kFailed when another process has the directory open, or when its format is unknown.
  static Result<std::unique_ptr<Storage>> open(const std::string& directory, LogSink& log);

  Status write(Batch& batch);
  /// Value of `key`; empty if there is none (values never are).
  Result<std::string> get(const std::string& key);
  /// Calls `visit(key, value)` for every key that starts with `prefix`; stops at its first error.
  Status scan(char prefix, const std::function<Status(std::string_view, std::string_view)>& visit);
  /// Appends whole runs of records, from the one that holds `from` (or the next behind it) on,
  /// until `budget` bytes are there or the next run ends at or behind `until`. `keys` receives the
  /// keys of the runs.
  Status read_records(LogId log, std::int64_t from, std::int64_t until, std::size_t budget,
                      std::string& bytes, std::vector<std::string>& keys);

 private:
  explicit Storage(std::string directory) : directory_(std::move(directory)) {}
  Status failed(std::string_view what, const rocksdb::Status& status) const;

  const std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
  /// RocksDB would join the writes of several threads to save fsyncs. There are none, and the
  /// joining is out of sight for ThreadSanitizer.
  std::mutex writing_;
};

}  // namespace millrace::embedded
