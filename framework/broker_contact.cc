#include "millrace/framework/broker_contact.h"

namespace millrace {

void BrokerContact::hear(const Status& status) {
  if (status.code() == StatusCode::kRetry && !lost()) {
    lost_.store(true, std::memory_order_relaxed);
    log_.write(LogLevel::kWarning, "the broker is away, trying on",
               {{"thread", thread_}, {"error", status.message()}});
  } else if (status.ok() && lost()) {
    lost_.store(false, std::memory_order_relaxed);
    log_.write(LogLevel::kInfo, "the broker is back", {{"thread", thread_}});
  }
}

}  // namespace millrace
