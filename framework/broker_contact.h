#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace {

/// Whether a thread's clients reach the broker, as each of them last found out; the log says when
/// that changes. One thread, but for lost().
class BrokerContact {
 public:
  enum class Client : std::uint8_t { kConsumer, kProducer };

  /// `log` must outlive this object.
  BrokerContact(LogSink& log, int thread) : log_(log), thread_(thread) {}

  /// What a call of this client came to. kRetry: the broker is away; OK: it answers.
  void hear(Client client, const Status& status);
  /// From any thread, also while a call waits for the broker.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  LogSink& log_;
  const int thread_;
  std::array<bool, 2> away_{};  ///< by Client
  std::atomic<bool> lost_{false};
};

}  // namespace millrace
