#include "millrace/framework/broker_contact.h"

namespace millrace {

void BrokerContact::hear(Client client, const Status& status) {
  bool& away = away_[static_cast<std::size_t>(client)];
  if (status.ok()) away = false;
  if (status.code() == StatusCode::kRetry) away = true;
  const bool now = away_[0] || away_[1];
  if (now == lost()) return;
  lost_.store(now, std::memory_order_relaxed);
  if (now)
    log_.write(LogLevel::kWarning, "the broker is away, trying on",
               {{"thread", thread_}, {"error", status.message()}});
  else
    log_.write(LogLevel::kInfo, "the broker is back", {{"thread", thread_}});
}

}  // namespace millrace
