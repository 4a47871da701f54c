#pragma once

#include <atomic>

#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace {

/// Whether a thread reaches its broker, as far as calls have told; the log says when that changes.
/// One thread, but for lost().
class BrokerContact {
 public:
  /// `log` must outlive this object.
  BrokerContact(LogSink& log, int thread) : log_(log), thread_(thread) {}

  /// What a call came to. kRetry: nobody answers; OK: somebody does.
  void hear(const Status& status);
  /// From any thread.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  LogSink& log_;
  const int thread_;
  std::atomic<bool> lost_{false};
};

}  // namespace millrace
