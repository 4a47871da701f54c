#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <memory>
#include <string_view>

#include "millrace/framework/kafka/kafka_client.h"
#include "millrace/framework/kafka/kafka_errors.h"
#include "millrace/framework/status.h"

namespace millrace::kafka {

/// One request of librdkafka's asynchronous admin API and its answer. One use, one thread.
class AdminCall {
 public:
  AdminCall(rd_kafka_t* handle, rd_kafka_admin_op_t operation, std::chrono::milliseconds timeout)
      : options_(rd_kafka_AdminOptions_new(handle, operation)),
        queue_(rd_kafka_queue_new(handle)),
        timeout_ms_(static_cast<int>(timeout.count())) {
    // Cannot fail: every operation takes a request time-out, and ours are in its range.
    rd_kafka_AdminOptions_set_request_timeout(options_.get(), timeout_ms_, nullptr, 0);
  }

  rd_kafka_AdminOptions_t* options() const { return options_.get(); }
  rd_kafka_queue_t* queue() const { return queue_.get(); }

  /// Waits for the answer; OK when event() has a result.
  Status wait(std::string_view what) {
    // librdkafka keeps the time; the grace here only ends a hang.
    event_.reset(rd_kafka_queue_poll(queue_.get(), timeout_ms_ + 5'000));
    if (event_ == nullptr) return Status::retry(std::string{what} + ": no answer in time");
    return to_status(rd_kafka_event_error(event_.get()), Call::kAdmin, what,
                     rd_kafka_event_error_string(event_.get()));
  }

  /// REQUIRES: wait() was OK. Lives as long as this object.
  rd_kafka_event_t* event() const { return event_.get(); }

 private:
  struct OptionsDeleter {
    void operator()(rd_kafka_AdminOptions_t* options) const {
      rd_kafka_AdminOptions_destroy(options);
    }
  };
  struct EventDeleter {
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  };
  std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter> options_;
  Queue queue_;
  std::unique_ptr<rd_kafka_event_t, EventDeleter> event_;
  int timeout_ms_;
};

}  // namespace millrace::kafka
