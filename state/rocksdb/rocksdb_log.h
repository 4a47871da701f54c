#pragma once

#include <rocksdb/env.h>

#include "millrace/framework/log.h"

namespace millrace {

/// Passes RocksDB's warnings and errors on to the library's sink, which must outlive it.
/// Thread-safe.
class RocksdbLog final : public rocksdb::Logger {
 public:
  explicit RocksdbLog(LogSink& log) : rocksdb::Logger(rocksdb::WARN_LEVEL), log_(log) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

 private:
  LogSink& log_;
};

}  // namespace millrace
