#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "millrace/apps/program/terminal.h"
#include "millrace/framework/clock.h"

namespace millrace {

/// What a progress bar counts. A total, where it is known, gives a bar and the time left.
struct ProgressSpec {
  std::string task;  ///< what is being done: "load frames.jsonl"
  std::string unit = "records";
  std::optional<std::int64_t> total_bytes;
  std::optional<std::int64_t> total_records;
};

/// Shows how far a long task is: a bar with rate and time left where a person looks, else a line
/// each 5 s. Nothing for tasks under two seconds. Used by one thread; update() costs a look at the
/// clock.
class Progress {
 public:
  /// Terminal and clock must outlive it.
  Progress(Terminal& terminal, const Clock& clock, ProgressSpec spec);
  /// Removes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Tells what is done so far, since the beginning; 0 bytes where bytes are not counted.
  void update(std::int64_t records, std::int64_t bytes);
  /// The line that would be shown now, at most `columns` wide: for tests and other displays.
  std::string line(std::int64_t records, std::int64_t bytes, std::size_t columns) const;
  double seconds() const;

  static constexpr std::int64_t kQuietMs = 2'000;
  static constexpr std::int64_t kRedrawMs = 100;
  static constexpr std::int64_t kLineMs = 5'000;

 private:
  Terminal& terminal_;
  const Clock& clock_;
  const ProgressSpec spec_;
  const std::int64_t started_ms_;
  std::int64_t next_ms_;
};

}  // namespace millrace
