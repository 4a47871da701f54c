#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace millrace {

/// Turns Ctrl-C (SIGINT) and SIGTERM into a flag and a call, so that a program ends in order; the
/// second one ends the process at once with exit code 130.
///
/// Construct it in main() before any other thread starts: those inherit the blocked signals. One at
/// a time per process.
class StopSignal {
 public:
  StopSignal();
  /// Signals have their former effect again.
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool requested() const { return requested_.load(std::memory_order_acquire); }
  /// Becomes readable when a stop is requested, and stays so: for poll() beside other files.
  int fd() const { return stop_fd_; }
  /// Has `wakeup` called once when a stop is requested (at once, on this thread, if it was
  /// already); from another thread, so it must be thread-safe. An empty one withdraws the former:
  /// it is not running when this returns.
  void on_request(std::function<void()> wakeup);

 private:
  void watch(int signals_fd);

  std::atomic<bool> requested_{false};
  int stop_fd_;
  int end_fd_;
  std::mutex mutex_;
  std::function<void()> wakeup_;
  std::thread watcher_;
};

}  // namespace millrace
