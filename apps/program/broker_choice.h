#pragma once

#include <map>
#include <memory>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace {

/// Which of the three brokers a program runs on.
struct BrokerChoice {
  std::string broker;  ///< "HOST:PORT,...", "embedded:DIR" or "embedded:"
  std::map<std::string, std::string>
      kafka;  ///< librdkafka properties: NAME, consumer.NAME, producer.NAME
  std::map<std::string, std::string> inputs;   ///< topic to file; "-" is standard input
  std::map<std::string, std::string> outputs;  ///< topic to file; "-" is standard output
};

/// Opens it: the file broker around an embedded one in memory if there are inputs, else what
/// `broker` names. Clock and log must outlive it. kInvalid: the choice makes no sense. Kafka may
/// turn out unreachable only when it is first used.
Result<std::unique_ptr<Broker>> open_broker(const BrokerChoice& choice, Clock& clock, LogSink& log);

/// The directory of "embedded:DIR"; empty for every other broker.
std::string embedded_directory(const std::string& broker);

}  // namespace millrace
