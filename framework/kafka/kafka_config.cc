#include "millrace/framework/kafka/kafka_config.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace millrace::kafka {
namespace {

struct OwnedProperty {
  std::string_view name;
  std::string_view reason;
};

/// What the runtime sets itself. Aliases are listed with the names they stand for.
constexpr std::array kOwned = {
    OwnedProperty{"bootstrap.servers", "it is the address given as the broker"},
    OwnedProperty{"metadata.broker.list", "it is the address given as the broker"},
    OwnedProperty{"client.id", "it carries the fingerprint of the topology"},
    OwnedProperty{"group.id", "it is the application id"},
    OwnedProperty{"group.instance.id", "it is the instance id, with --static"},
    OwnedProperty{"group.protocol", "lead partitions need the classic protocol"},
    OwnedProperty{"session.timeout.ms", "the runtime sets it with the time-outs that depend on it"},
    OwnedProperty{"heartbeat.interval.ms",
                  "the runtime sets it with the time-outs that depend on it"},
    OwnedProperty{"partition.assignment.strategy", "all members must use cooperative-sticky"},
    OwnedProperty{"enable.auto.commit", "offsets are committed with the results"},
    OwnedProperty{"auto.commit.enable", "offsets are committed with the results"},
    OwnedProperty{"auto.commit.interval.ms", "offsets are committed with the results"},
    OwnedProperty{"enable.auto.offset.store", "offsets are committed with the results"},
    OwnedProperty{"auto.offset.reset", "a lost position is an error, not a jump"},
    OwnedProperty{"enable.partition.eof", "positions depend on it"},
    OwnedProperty{"isolation.level", "it follows from the processing guarantee"},
    OwnedProperty{"transactional.id",
                  "it is made of the application id, the instance id and the thread"},
    OwnedProperty{"transaction.timeout.ms", "fencing depends on it"},
    OwnedProperty{"enable.idempotence", "records must be neither doubled nor reordered"},
    OwnedProperty{"acks", "a result counts when all replicas have it"},
    OwnedProperty{"request.required.acks", "a result counts when all replicas have it"},
    OwnedProperty{"delivery.report.only.error", "commits wait for delivery reports"},
    OwnedProperty{"log.queue", "messages go to the log sink"},
    OwnedProperty{"test.mock.num.brokers", "results would be lost"},
};

/// The property's own name if it is meant for `role`. The admin client takes what is meant for all.
std::optional<std::string> name_for(Role role, std::string_view key) {
  constexpr std::string_view kConsumer = "consumer.", kProducer = "producer.";
  if (key.starts_with(kConsumer)) {
    if (role != Role::kConsumer) return std::nullopt;
    return std::string{key.substr(kConsumer.size())};
  }
  if (key.starts_with(kProducer)) {
    if (role != Role::kProducer) return std::nullopt;
    return std::string{key.substr(kProducer.size())};
  }
  return std::string{key};
}

/// Whether its value must not be shown: passwords, secrets, private keys.
bool is_secret(std::string_view name) {
  for (const std::string_view part : {"password", "secret", "key.pem", "oauthbearer.config"})
    if (name.find(part) != name.npos) return true;
  return false;
}

Status set(rd_kafka_conf_t* conf, std::string_view shown_as, const std::string& name,
           const std::string& value) {
  std::array<char, 512> error{};
  const rd_kafka_conf_res_t outcome =
      rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size());
  if (outcome == RD_KAFKA_CONF_OK) return {};
  // The value of a name that nobody knows may be a password whose name was mistyped.
  if (outcome == RD_KAFKA_CONF_UNKNOWN || is_secret(name))
    return Status::invalid(fmt::format("property 'kafka.{}': {}", shown_as, error.data()));
  return Status::invalid(
      fmt::format("property 'kafka.{}' = '{}': {}", shown_as, value, error.data()));
}

}  // namespace

Status check_properties(const std::map<std::string, std::string>& properties) {
  for (const auto& [key, value] : properties) {
    for (const Role role : {Role::kConsumer, Role::kProducer}) {
      const std::optional<std::string> name = name_for(role, key);
      if (!name) continue;
      for (const OwnedProperty& owned : kOwned) {
        if (owned.name == *name) {
          return Status::invalid(
              fmt::format("property 'kafka.{}' cannot be set: {}", key, owned.reason));
        }
      }
    }
  }
  for (const Role role : {Role::kConsumer, Role::kProducer, Role::kAdmin}) {
    const Result<Conf> conf = make_conf(role, {}, properties, {});
    if (!conf.ok()) return conf.status();
  }
  return {};
}

Result<Conf> make_conf(Role role, const Settings& defaults,
                       const std::map<std::string, std::string>& properties,
                       const Settings& owned) {
  Conf conf{rd_kafka_conf_new()};
  for (const auto& [name, value] : defaults) {
    if (Status status = set(conf.get(), name, name, value); !status.ok()) return status;
  }
  for (const auto& [key, value] : properties) {
    const std::optional<std::string> name = name_for(role, key);
    if (!name) continue;
    if (Status status = set(conf.get(), key, *name, value); !status.ok()) return status;
  }
  for (const auto& [name, value] : owned) {
    if (Status status = set(conf.get(), name, name, value); !status.ok()) return status;
  }
  return conf;
}

std::size_t number_of(const Conf& conf, const char* property) {
  char text[32] = "";
  std::size_t size = sizeof text;
  rd_kafka_conf_get(conf.get(), property, text, &size);
  std::size_t number = 0;
  std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace millrace::kafka
