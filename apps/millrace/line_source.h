#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace::tool {

/// Lines of a file or of standard input, each as it is, without its end (LF or CRLF). Not
/// thread-safe.
class LineSource {
 public:
  enum class More { kLines, kEnd, kStopped };

  /// `path` "-" is standard input. Reading ends early when `stop_fd` becomes readable.
  static Result<std::unique_ptr<LineSource>> open(const std::string& path, int stop_fd);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  /// Reads on, waiting for input. Lines taken before die. kFailed names file and error.
  Result<More> fill();
  /// Takes the next line of what was read; false if fill() is due. At least kRecordPadding readable
  /// bytes follow the line.
  bool next(std::string_view& line);
  /// Where the line last taken begins, and the next one will, in bytes.
  std::int64_t line_offset() const { return line_offset_; }
  std::int64_t offset() const { return offset_; }
  /// Bytes in all; none for a pipe.
  std::optional<std::int64_t> size() const { return size_; }

  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

 private:
  LineSource(std::string path, int file, int stop_fd, std::optional<std::int64_t> size);
  bool wait_for_input();
  void make_room();

  const std::string path_;
  const int file_;
  const int stop_fd_;
  const std::optional<std::int64_t> size_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = kBlockBytes;
  std::size_t begin_ = 0;  // of what was not taken yet
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  // no line ends before it
  bool ended_ = false;
  std::int64_t offset_ = 0;  // of begin_, in the file
  std::int64_t line_offset_ = 0;
};

}  // namespace millrace::tool
