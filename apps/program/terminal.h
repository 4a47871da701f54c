#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace millrace {

/// Standard error, shared by log lines and a progress bar so that neither damages the other.
/// Thread-safe.
///
/// Results go to standard output, which is not touched here.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Whether a person is looking: only then show_status() shows anything.
  bool interactive() const { return interactive_; }
  /// Columns of the window; 80 where there is none.
  std::size_t columns() const;

  /// Writes a line, above the status line if there is one.
  void line(std::string_view text);
  /// Replaces the status line, which stays the last one until cleared.
  void show_status(std::string_view text);
  void clear_status();

 private:
  const bool interactive_;
  std::mutex mutex_;
  std::string status_;
};

}  // namespace millrace
