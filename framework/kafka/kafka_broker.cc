#include "millrace/framework/kafka/kafka_broker.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <utility>

#include "millrace/framework/kafka/kafka_admin.h"
#include "millrace/framework/kafka/kafka_client.h"
#include "millrace/framework/kafka/kafka_config.h"
#include "millrace/framework/kafka/kafka_consumer.h"
#include "millrace/framework/kafka/kafka_errors.h"
#include "millrace/framework/kafka/kafka_producer.h"

namespace millrace {
namespace kafka {
namespace {

constexpr int kOldestVersion = 0x020002ff;
// Of each partition. librdkafka's own account of a record takes some 350 bytes.
constexpr std::size_t kPrefetchRecords = 100'000;
constexpr int kConnectTimeoutMs = 10'000;
constexpr int kFirstLookMs = 500;
constexpr std::chrono::milliseconds kEndTimeout{10'000};
/// A client that joins no group must nevertheless name one; nothing is ever stored in it.
constexpr const char* kNoGroup = "millrace-no-group";

/// For all clients: quick to come back after a broker restart, no 40 ms waits for small requests.
Settings common_defaults() {
  return {{"socket.nagle.disable", "true"}, {"reconnect.backoff.max.ms", "1000"}};
}

class KafkaBroker final : public Broker {
 public:
  KafkaBroker(const KafkaOptions& options, std::shared_ptr<ClientWatch> watch,
              std::unique_ptr<ClientEvents> events, std::shared_ptr<Client> client,
              KafkaAdmin::ClientFactory another)
      : options_(options),
        watch_(std::move(watch)),
        admin_events_(std::move(events)),
        admin_(std::make_unique<KafkaAdmin>(std::move(client), std::move(another))) {}
  ~KafkaBroker() override {
    admin_.reset();
    watch_->close(kEndTimeout);
  }

  Result<std::unique_ptr<Consumer>> consumer(const ConsumerOptions& options) override;
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override;
  Admin& admin() override { return *admin_; }
  std::string name() const override { return options_.bootstrap; }

 private:
  const KafkaOptions options_;
  const std::shared_ptr<ClientWatch> watch_;
  const std::unique_ptr<ClientEvents> admin_events_;
  std::unique_ptr<KafkaAdmin> admin_;
};

Result<std::unique_ptr<Consumer>> KafkaBroker::consumer(const ConsumerOptions& options) {
  Settings defaults = common_defaults();
  const std::size_t prefetch_kb =
      std::max<std::size_t>(1, options_.prefetch_bytes_per_partition / 1024);
  const bool side_by_side = options.prefetch_records > 0;
  const std::size_t prefetch_records = side_by_side ? options.prefetch_records : kPrefetchRecords;
  defaults.insert(defaults.end(), {{"queued.min.messages", std::to_string(prefetch_records)},
                                   {"queued.max.messages.kbytes", std::to_string(prefetch_kb)},
                                   {"fetch.message.max.bytes", side_by_side ? "262144" : "4194304"},
                                   {"fetch.max.bytes", "33554432"},
                                   {"receive.message.max.bytes", "67108864"},
                                   {"fetch.wait.max.ms", "50"},
                                   {"fetch.error.backoff.ms", "50"},
                                   {"allow.auto.create.topics", "false"}});
  if (rd_kafka_version() >= 0x020200ff) defaults.push_back({"fetch.queue.backoff.ms", "5"});
  const auto session_ms = options.session_timeout.count();
  Settings owned = {
      {"bootstrap.servers", options_.bootstrap},
      {"client.id", options.client_id},
      {"group.id", options.group_id.empty() ? kNoGroup : options.group_id},
      {"partition.assignment.strategy", "cooperative-sticky"},
      {"session.timeout.ms", std::to_string(session_ms)},
      {"heartbeat.interval.ms",
       std::to_string(std::clamp<std::int64_t>(session_ms / 20, 100, 3000))},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"isolation.level", options.read_committed ? "read_committed" : "read_uncommitted"}};
  if (!options.group_instance_id.empty())
    owned.push_back({"group.instance.id", options.group_instance_id});
  Result<Conf> conf = make_conf(Role::kConsumer, defaults, options_.properties, owned);
  if (!conf.ok()) return conf.status();
  return KafkaConsumer::create(std::move(*conf), options, watch_, *admin_);
}

Result<std::unique_ptr<Producer>> KafkaBroker::producer(const ProducerOptions& options) {
  Settings defaults = common_defaults();
  defaults.insert(defaults.end(),
                  {{"linger.ms", "5"},
                   {"compression.codec", options.compression.empty() ? "lz4" : options.compression},
                   {"message.max.bytes", "2097152"},
                   {"queue.buffering.max.messages", "200000"},
                   {"queue.buffering.max.kbytes", "65536"}});
  Settings owned = {{"bootstrap.servers", options_.bootstrap},
                    {"client.id", options.client_id},
                    {"enable.idempotence", "true"},
                    {"acks", "all"}};
  if (!options.transactional_id.empty()) {
    owned.push_back({"transactional.id", options.transactional_id});
    owned.push_back(
        {"transaction.timeout.ms", std::to_string(options.transaction_timeout.count())});
  }
  Result<Conf> conf = make_conf(Role::kProducer, defaults, options_.properties, owned);
  if (!conf.ok()) return conf.status();
  return KafkaProducer::create(std::move(*conf), options, options_.clock, watch_);
}

/// Keeps what went wrong, for the message when no broker answers.
struct ConnectErrors final : ClientEvents {
  void on_error(rd_kafka_resp_err_t error, const char* text) override {
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;  // says less than the one before
    last = text;
    const Refusal found = refusal_of(error, text);
    if (found.remedy.empty()) return;
    refusal = fmt::format("{}: {}", text, found.remedy);
    certain = found.certain;
  }
  std::string last;
  std::string refusal;  ///< the last thing that trying again does not mend, and its remedy
  bool certain = false;
};

/// Waits for a broker's first answer. A refusal that comes early is believed at the look after it;
/// later if it is not certain.
Status connect(rd_kafka_t* handle, const ConnectErrors& errors, const std::string& bootstrap) {
  int looks = 0;  // since the refusal
  // Each time as long as all before: an answer that takes long is not asked for again and again.
  for (int waited_ms = 0, wait_ms = kFirstLookMs; waited_ms < kConnectTimeoutMs;
       waited_ms += wait_ms, wait_ms = std::min(waited_ms, kConnectTimeoutMs - waited_ms)) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 0, nullptr, &metadata, wait_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(metadata);
      return {};
    }
    rd_kafka_poll(handle, 0);  // serves on_error
    if (!errors.refusal.empty() && ++looks == (errors.certain ? 2 : 4)) break;
  }
  if (errors.refusal.empty())
    return Status::failed(fmt::format(
        "no Kafka broker answers at '{}': {}: is it running, and is the address right?", bootstrap,
        errors.last.empty() ? rd_kafka_err2str(RD_KAFKA_RESP_ERR__TIMED_OUT) : errors.last));
  const std::string text =
      fmt::format("no connection with Kafka at '{}': {}", bootstrap, errors.refusal);
  return errors.certain ? Status::invalid(text) : Status::failed(text);
}

}  // namespace
}  // namespace kafka

Result<std::unique_ptr<Broker>> open_kafka_broker(const KafkaOptions& options) {
  using namespace kafka;
  if (rd_kafka_version() < kOldestVersion) {
    return Status::failed(
        fmt::format("librdkafka {} is too old: install 2.0.2 or newer", rd_kafka_version_str()));
  }
  if (Status status = check_properties(options.properties); !status.ok()) return status;
  auto watch = std::make_shared<ClientWatch>(options.log);
  auto events = std::make_unique<ConnectErrors>();
  const auto admin_client = [options, watch,
                             &events = *events]() -> Result<std::shared_ptr<Client>> {
    // Without a group librdkafka crashes when a coordinator that has moved refuses to tell offsets
    // (#5040, not fixed in 2.10).
    Result<Conf> conf = make_conf(Role::kAdmin, common_defaults(), options.properties,
                                  {{"bootstrap.servers", options.bootstrap},
                                   {"group.id", kNoGroup},
                                   {"isolation.level", "read_uncommitted"}});
    if (!conf.ok()) return conf.status();
    return Client::create(RD_KAFKA_CONSUMER, std::move(*conf), watch, events);
  };
  Result<std::shared_ptr<Client>> client = admin_client();
  if (!client.ok()) return client.status();

  if (Status status = connect((*client)->handle(), *events, options.bootstrap); !status.ok()) {
    *client = nullptr;
    watch->close(kEndTimeout);
    return status;
  }
  watch->reached();
  return std::unique_ptr<Broker>{std::make_unique<KafkaBroker>(
      options, std::move(watch), std::move(events), std::move(*client), admin_client)};
}

}  // namespace millrace
