#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace {

struct KafkaOptions {
  std::string bootstrap;  ///< "host:port[,host:port...]"
  /// librdkafka properties by name, for all clients or, as "consumer.NAME" and "producer.NAME", for
  /// some. What the runtime owns (group.id, isolation.level, ...) is refused.
  std::map<std::string, std::string> properties;
  Clock& clock;  ///< stamps records without a timestamp. Must outlive the broker
  LogSink& log;  ///< also gets librdkafka's messages, from its threads. Must outlive the broker
  /// Records are fetched ahead until a partition holds this much; a response of up to 4 MiB may
  /// come on top.
  std::size_t prefetch_bytes_per_partition = 16 << 20;
};

/// Connects to Kafka (2.5 or newer) through librdkafka (2.0.2 or newer, checked at run time).
///
/// kInvalid: a property that is unknown, malformed or owned by the runtime; or a broker that
/// refuses the client, or is refused by it: password, certificate. kFailed: no broker answered
/// within 10 s. No value of a property is shown unless librdkafka takes none like it.
Result<std::unique_ptr<Broker>> open_kafka_broker(const KafkaOptions& options);

}  // namespace millrace
