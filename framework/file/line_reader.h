#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "millrace/framework/broker.h"
#include "millrace/framework/record_batch.h"
#include "millrace/framework/status.h"

namespace millrace {

/// Reads one input line by line, as one consumer sees it: a record per line, its offset the line's
/// number from 0. Not thread-safe.
class LineReader {
 public:
  virtual ~LineReader() = default;

  /// Appends what is there, up to the limit. Never waits for a stream. kFailed names the path, and
  /// the line if it is too long.
  virtual Status poll(const PollLimit& limit, RecordBatch& batch) = 0;
  /// Continues at `line`. kFailed if it cannot be read again; a line beyond the end fails in poll()
  /// at the end.
  virtual Status seek(std::int64_t line) = 0;
  /// Number of the next line that poll() would deliver.
  virtual std::int64_t position() const = 0;
  /// Whether poll() would find a line, the end, or an error.
  virtual bool ready() const = 0;
};

/// A file or stream whose lines are the records of an input topic. Thread-safe; outlives its
/// readers.
class LineInput {
 public:
  virtual ~LineInput() = default;

  /// A reader that begins at `line`. `wake` is called, from any thread, when there may be news for
  /// a reader that was not ready; it must be callable as long as the reader lives.
  virtual Result<std::unique_ptr<LineReader>> read_from(std::int64_t line,
                                                        std::function<void()> wake) = 0;
  /// No line before `line` will be asked for again.
  virtual void release(std::int64_t line) = 0;
  /// The first line that can still be read.
  virtual std::int64_t first_line() const = 0;
  /// Number of lines, once a reader has come to the end. Does not change from then on, even if the
  /// file grows.
  virtual std::optional<std::int64_t> end_line() const = 0;
};

}  // namespace millrace
