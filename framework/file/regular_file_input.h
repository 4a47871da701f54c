#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "millrace/framework/file/file_descriptor.h"
#include "millrace/framework/file/line_reader.h"

namespace millrace {

/// A file that can be read again from anywhere. Readers read it at places of their own, when
/// polled; they share an index of one line in each kIndexBytes, so that going back reads no more
/// than that much. Thread-safe.
class RegularFileInput final : public LineInput {
 public:
  /// The first line is where the descriptor stands: the beginning, unless a shell has read from it.
  RegularFileInput(std::string path, FileDescriptor file, std::size_t max_line_bytes);

  Result<std::unique_ptr<LineReader>> read_from(std::int64_t line,
                                                std::function<void()> wake) override;
  void release(std::int64_t) override {}
  std::int64_t first_line() const override { return 0; }
  std::optional<std::int64_t> end_line() const override;

  static constexpr std::uint64_t kIndexBytes = 1 << 20;

 private:
  class Reader;
  struct Place {
    std::int64_t line = 0;
    std::uint64_t byte = 0;
  };

  Result<std::size_t> read(char* buffer, std::size_t size, std::uint64_t byte) const;
  Place nearest_before(std::int64_t line) const;
  void remember(const Place& place);
  /// The end is where it was first seen.
  void remember_end(const Place& place);
  std::uint64_t end_byte() const;

  const std::string path_;
  const FileDescriptor file_;
  const std::size_t max_line_bytes_;
  mutable std::mutex mutex_;
  std::vector<Place> index_;  // ascending
  std::optional<Place> end_;
};

}  // namespace millrace
