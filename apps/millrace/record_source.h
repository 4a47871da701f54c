#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace::tool {

/// How records stand in a file.
enum class Framing {
  kLines,    ///< one a line, which ends in LF or CRLF
  kMsgpack,  ///< MessagePack values, one behind the other
};

/// Records of a file or of standard input, each as it is, lines without their end. Not thread-safe.
class RecordSource {
 public:
  enum class More { kRecords, kEnd, kStopped };

  /// `path` "-" is standard input. Reading ends early when `stop_fd` becomes readable.
  static Result<std::unique_ptr<RecordSource>> open(const std::string& path, Framing framing,
                                                    int stop_fd);
  ~RecordSource();
  RecordSource(const RecordSource&) = delete;
  RecordSource& operator=(const RecordSource&) = delete;

  /// Reads on, waiting for input. Records taken before die. kFailed names file and error: also
  /// bytes that are no MessagePack, or only a small number, or end inside a value.
  Result<More> fill();
  /// Takes the next record of what was read; false if fill() is due. At least kRecordPadding
  /// readable bytes follow it.
  bool next(std::string_view& record);
  /// Where the record last taken begins, and the next one will, in bytes.
  std::int64_t record_offset() const { return record_offset_; }
  std::int64_t offset() const { return offset_; }
  /// Bytes in all; none for a pipe.
  std::optional<std::int64_t> size() const { return size_; }

  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;

 private:
  RecordSource(std::string path, Framing framing, int file, int stop_fd,
               std::optional<std::int64_t> size);
  bool next_line(std::string_view& line);
  bool next_value(std::string_view& value);
  /// Takes what stands before `next_begin`.
  void advance(std::size_t next_begin);
  bool wait_for_input();
  void make_room();

  const std::string path_;
  const Framing framing_;
  const int file_;
  const int stop_fd_;
  const std::optional<std::int64_t> size_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = kBlockBytes;
  std::size_t begin_ = 0;  // of what was not taken yet
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  // no line ends before it
  bool ended_ = false;
  bool malformed_ = false;   // what stands at begin_ is no MessagePack
  std::int64_t offset_ = 0;  // of begin_, in the file
  std::int64_t record_offset_ = 0;
};

}  // namespace millrace::tool
