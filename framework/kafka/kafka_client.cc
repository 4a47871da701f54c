#include "millrace/framework/kafka/kafka_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

namespace millrace::kafka {
namespace {

constexpr std::chrono::milliseconds kSettleTimeout{2'000};

LogLevel level_of(int syslog_level, std::string_view facility) {
  // Properties given for all clients are set on all: that some ignore them is no news.
  if (facility == "CONFWARN") return LogLevel::kDebug;
  // An aborted transaction is a normal path, and its caller hears of it by the status of the call.
  if (facility == "TXNERR" || facility == "GETPID") return LogLevel::kInfo;
  if (syslog_level <= 3) return LogLevel::kError;
  if (syslog_level == 4) return LogLevel::kWarning;
  return syslog_level <= 6 ? LogLevel::kInfo : LogLevel::kDebug;
}

}  // namespace

void ClientWatch::write(LogLevel level, std::string_view text, std::string_view client,
                        std::string_view facility) {
  const std::lock_guard lock{mutex_};
  if (log_ == nullptr) return;
  if (!reached_) level = std::min(level, LogLevel::kInfo);
  log_->write(level, "librdkafka", {{"message", text}, {"client", client}, {"facility", facility}});
}

void ClientWatch::reached() {
  const std::lock_guard lock{mutex_};
  reached_ = true;
}

void ClientWatch::started() {
  const std::lock_guard lock{mutex_};
  ++alive_;
}

void ClientWatch::ended() {
  const std::lock_guard lock{mutex_};
  --alive_;
  changed_.notify_all();
}

void ClientWatch::close(std::chrono::milliseconds timeout) {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, timeout, [this] { return alive_ == 0; })) {
    log_->write(LogLevel::kWarning, "Kafka clients still busy while closing",
                {{"clients", alive_}});
  }
  log_ = nullptr;
}

Result<std::shared_ptr<Client>> Client::create(rd_kafka_type_t type, Conf conf,
                                               std::shared_ptr<ClientWatch> watch,
                                               ClientEvents& events) {
  std::shared_ptr<Client> client{
      new Client{std::make_unique<Context>(Context{std::move(watch), &events})}};
  rd_kafka_conf_set_opaque(conf.get(), client->context_.get());
  rd_kafka_conf_set_log_cb(
      conf.get(), [](const rd_kafka_t* handle, int level, const char* facility, const char* text) {
        const auto& context = *static_cast<const Context*>(rd_kafka_opaque(handle));
        context.watch->write(level_of(level, facility), text, rd_kafka_name(handle), facility);
      });
  rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int error, const char* text,
                                            void* opaque) {
    static_cast<Context*>(opaque)->events->on_error(static_cast<rd_kafka_resp_err_t>(error), text);
  });
  if (type == RD_KAFKA_CONSUMER) {
    rd_kafka_conf_set_rebalance_cb(
        conf.get(), [](rd_kafka_t*, rd_kafka_resp_err_t what,
                       rd_kafka_topic_partition_list_t* partitions, void* opaque) {
          static_cast<Context*>(opaque)->events->on_rebalance(what, *partitions);
        });
  } else {
    // Without a delivery callback librdkafka 2.0.2 takes at least 10 ms for each commit.
    rd_kafka_conf_set_dr_msg_cb(conf.get(),
                                [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
                                  static_cast<Context*>(opaque)->events->on_delivery(*message);
                                });
  }
  std::array<char, 512> error{};
  client->handle_ = rd_kafka_new(type, conf.get(), error.data(), error.size());
  if (client->handle_ == nullptr)
    return Status::invalid(fmt::format("Kafka client: {}", error.data()));
  static_cast<void>(conf.release());  // now librdkafka's
  client->context_->watch->started();
  return client;
}

/// Waits for answers to what a producer has sent. Where one is a fatal error that comes while the
/// instance ends, librdkafka 2.0.2 frees the text of the error before it twice.
void Client::settle(rd_kafka_t* handle, Context& context) {
  static ClientEvents nobody;
  context.events = &nobody;
  rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE);
  rd_kafka_flush(handle, static_cast<int>(kSettleTimeout.count()));
}

Client::~Client() {
  if (handle_ == nullptr) return;
  if (abandoned_) {
    context_->watch->ended();
    static_cast<void>(context_.release());  // its callbacks may still use it
    return;
  }
  std::thread{[handle = handle_, context = std::move(context_)] {
    if (rd_kafka_type(handle) == RD_KAFKA_PRODUCER) settle(handle, *context);
    // Leaving the group is close()'s business; here it could block.
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    context->watch->ended();
  }}.detach();
}

}  // namespace millrace::kafka
