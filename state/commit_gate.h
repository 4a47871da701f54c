#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "millrace/framework/status.h"

namespace millrace {

/// Keeps those who read committed data and the one thread that changes it apart. Readers come and
/// go beside each other; who wants to change waits for those that are in, and for no more of them.
class CommitGate {
 public:
  /// Lets `look` in. kRetry: closed.
  template <class Look>
  Status read(Look look) {
    if (closed_) return gone();
    std::unique_lock turn(turn_);
    const std::shared_lock lock(mutex_);
    turn.unlock();
    if (closed_) return gone();
    look();
    return {};
  }
  /// Calls `change` while nobody reads, and returns what it does.
  template <class Change>
  auto change(Change change) {
    // Readers that come one after the other would never leave the lock free.
    const std::unique_lock turn(turn_);
    const std::unique_lock lock(mutex_);
    return change();
  }
  /// Lets nobody in any more, and waits until all are out.
  void close() {
    closed_ = true;
    change([] {});
  }
  /// Readers are waited for: those that look at much stop.
  bool closed() const { return closed_; }

  static Status gone() {
    return Status::retry("the task has let go of its state: ask again who has it");
  }

 private:
  std::mutex turn_;
  std::shared_mutex mutex_;
  std::atomic<bool> closed_{false};
};

}  // namespace millrace
