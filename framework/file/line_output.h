#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "millrace/framework/file/file_descriptor.h"
#include "millrace/framework/status.h"

namespace millrace {

/// A file or stream that takes lines. Thread-safe: each write stays in one piece.
class LineOutput {
 public:
  LineOutput(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  /// Writes all of `lines`. Blocks while the other side of a pipe takes nothing. kFailed, from then
  /// on for every call, when it cannot: disk full, pipe closed. Raises no SIGPIPE.
  Status write(std::string_view lines);
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  std::mutex mutex_;
  FileDescriptor file_;
  Status failure_;
};

}  // namespace millrace
