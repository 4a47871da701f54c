#pragma once

#include <librdkafka/rdkafka.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/status.h"

namespace millrace::kafka {

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

using Settings = std::vector<std::pair<std::string, std::string>>;

/// The clients a property can be meant for.
enum class Role { kConsumer, kProducer, kAdmin };

/// Refuses properties that the runtime owns (with the reason), that librdkafka does not know or
/// whose value it does not take (with its text).
Status check_properties(const std::map<std::string, std::string>& properties);

/// A configuration for `role`: `defaults`, over them the user's `properties`, over them what is
/// `owned`.
Result<Conf> make_conf(Role role, const Settings& defaults,
                       const std::map<std::string, std::string>& properties, const Settings& owned);

/// What a property whose values are numbers ends up with.
std::size_t number_of(const Conf& conf, const char* property);

}  // namespace millrace::kafka
