#include "millrace/apps/program/broker_choice.h"

#include <fmt/format.h>
#include <malloc.h>

#include <string_view>
#include <utility>

#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/framework/file/file_broker.h"
#include "millrace/framework/kafka/kafka_broker.h"

namespace millrace {
namespace {

constexpr std::string_view kEmbedded = "embedded:";
constexpr int kGivenBackBytes = 256 << 10;

Result<std::unique_ptr<Broker>> open_embedded(std::string directory, Clock& clock, LogSink& log) {
  // A log is read and written in pieces of about a megabyte. From the heap they would leave holes,
  // of which there are the more the longer it runs.
  if (!directory.empty()) mallopt(M_MMAP_THRESHOLD, kGivenBackBytes);
  return open_embedded_broker({.directory = std::move(directory), .clock = clock, .log = log});
}

Status check_bootstrap(const std::string& broker) {
  // "embedded" without its colon would be looked up as a host.
  if (!broker.empty() && broker != "embedded" && broker.find('/') == std::string::npos) return {};
  return Status::invalid(fmt::format(
      "--broker '{}' is no broker: write HOST:PORT,... for Kafka, embedded:DIR or embedded:",
      broker));
}

}  // namespace

std::string embedded_directory(const std::string& broker) {
  return broker.starts_with(kEmbedded) ? broker.substr(kEmbedded.size()) : std::string{};
}

Result<std::unique_ptr<Broker>> open_broker(const BrokerChoice& choice, Clock& clock,
                                            LogSink& log) {
  if (!choice.inputs.empty()) {
    Result<std::unique_ptr<Broker>> inner = open_embedded({}, clock, log);
    MILLRACE_RETURN_IF_ERROR(inner.status());
    return open_file_broker(
        {.clock = clock, .log = log, .inputs = choice.inputs, .outputs = choice.outputs},
        *std::move(inner));
  }
  if (choice.broker.starts_with(kEmbedded))
    return open_embedded(embedded_directory(choice.broker), clock, log);
  MILLRACE_RETURN_IF_ERROR(check_bootstrap(choice.broker));
  return open_kafka_broker(
      {.bootstrap = choice.broker, .properties = choice.kafka, .clock = clock, .log = log});
}

}  // namespace millrace
