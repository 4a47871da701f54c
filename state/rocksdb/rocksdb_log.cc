#include "millrace/state/rocksdb/rocksdb_log.h"

#include <cstdarg>
#include <cstdio>

namespace millrace {

void RocksdbLog::Logv(const char*, va_list) {}  // without a level: what is of no interest

void RocksdbLog::Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level == rocksdb::HEADER_LEVEL || level < GetInfoLogLevel()) return;
  char text[1024];
  std::vsnprintf(text, sizeof text, format, arguments);
  log_.write(level >= rocksdb::ERROR_LEVEL ? LogLevel::kError : LogLevel::kWarning, "rocksdb",
             {{"message", text}});
}

}  // namespace millrace
