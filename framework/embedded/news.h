#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace millrace::embedded {

/// Counts everything that happens in a broker, so that consumers can wait for the next.
/// Thread-safe.
class News {
 public:
  /// Something has changed that a waiting consumer may want to see.
  void raise() {
    {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    changed_.notify_all();
  }
  /// Waits until raise() was called after the call that returned `seen`, or `stop` says so, or the
  /// time-out. Returns the present count. `stop` is asked under the lock.
  template <class Stop>
  std::uint64_t wait(std::uint64_t seen, std::chrono::milliseconds timeout, Stop stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [&] { return count_ != seen || stop(); });
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 1;
};

}  // namespace millrace::embedded
