#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "millrace/framework/clock.h"
#include "millrace/framework/file/file_descriptor.h"
#include "millrace/framework/file/line_reader.h"

namespace millrace {

/// A pipe, socket or terminal: what was read from it cannot be read again. So a thread reads ahead,
/// by at most kReadAheadBytes, and what readers have read is kept until release(), in at most about
/// limits.keep_bytes; beyond that the stream waits. If it has waited for kStallLimit with
/// everything read and nothing released, poll() fails: then somebody needs more input before they
/// can commit, and would wait for ever. Thread-safe.
class StreamInput final : public LineInput {
 public:
  struct Limits {
    std::size_t line_bytes;
    std::size_t keep_bytes;
  };

  static Result<std::unique_ptr<StreamInput>> open(std::string path, FileDescriptor stream,
                                                   const Limits& limits, const Clock& clock);
  ~StreamInput() override;

  Result<std::unique_ptr<LineReader>> read_from(std::int64_t line,
                                                std::function<void()> wake) override;
  void release(std::int64_t line) override;
  std::int64_t first_line() const override;
  std::optional<std::int64_t> end_line() const override;

  static constexpr std::size_t kReadAheadBytes = std::size_t{8} << 20;
  static constexpr std::chrono::milliseconds kStallLimit{60'000};

 private:
  class Reader;
  class Filler;
  /// Whole lines.
  struct Block {
    std::unique_ptr<char[]> data;
    std::size_t size = 0;
    std::optional<std::int64_t> first_line;  // known when a reader has come to it
  };
  enum class State { kOpen, kEnded, kLineTooLong, kBroken };

  StreamInput(std::string path, FileDescriptor stream, FileDescriptor stop, const Limits& limits,
              const Clock& clock);
  void read_all();
  bool wait_for_room();
  void publish(Block block);
  void finish(State state, int error);
  bool has_room() const {
    return unread_bytes_ < kReadAheadBytes && retained_bytes_ < limits_.keep_bytes;
  }
  Status check_stall();

  const std::string path_;
  const FileDescriptor stream_;
  const FileDescriptor stop_;  // an eventfd that ends the thread's waiting
  const Limits limits_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  bool stopping_ = false;
  // Shared: a reader that has lost the partition may still stand in a block that was released
  // since.
  std::deque<std::shared_ptr<Block>> blocks_;
  std::uint64_t first_block_ = 0;  // number of blocks_.front(); blocks are numbered in order
  std::int64_t first_line_ = 0;    // with which blocks_.front() begins
  std::size_t unread_bytes_ = 0;
  std::size_t retained_bytes_ = 0;  // all blocks, read or not
  State state_ = State::kOpen;
  int error_ = 0;  // errno of kBroken
  std::optional<std::int64_t> end_line_;
  std::optional<std::int64_t> stalled_since_ms_;
  std::map<const Reader*, std::function<void()>> wakes_;

  std::thread thread_;
};

}  // namespace millrace
