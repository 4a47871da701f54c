#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/kafka/kafka_config.h"
#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace::kafka {

struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
struct GroupMetadataDeleter {
  void operator()(rd_kafka_consumer_group_metadata_t* group) const {
    rd_kafka_consumer_group_metadata_destroy(group);
  }
};
using Queue = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter>;
using Message = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;
using RawGroupMetadata = std::unique_ptr<rd_kafka_consumer_group_metadata_t, GroupMetadataDeleter>;

/// What the broker object shares with its librdkafka instances, which may outlive it when a call in
/// them hangs: passes their messages on, and counts them. Thread-safe.
class ClientWatch {
 public:
  explicit ClientWatch(LogSink& log) : log_(&log) {}

  void write(LogLevel level, std::string_view text, std::string_view client,
             std::string_view facility);
  /// A broker has answered. Until then what goes wrong is the error that opening it returns, so it
  /// is logged as kInfo at most.
  void reached();
  void started();
  void ended();
  /// Waits until all instances have ended, at most for `timeout`; nothing is written to the log
  /// afterwards.
  void close(std::chrono::milliseconds timeout);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  LogSink* log_;
  bool reached_ = false;
  int alive_ = 0;
};

/// Receives librdkafka's callbacks, which come in calls that poll. Does nothing by default.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  virtual void on_rebalance(rd_kafka_resp_err_t /*what*/,
                            rd_kafka_topic_partition_list_t& /*partitions*/) {}
  virtual void on_delivery(const rd_kafka_message_t& /*message*/) {}
  virtual void on_error(rd_kafka_resp_err_t /*error*/, const char* /*text*/) {}
};

/// One librdkafka instance. Destroying it returns at once; the instance ends on a thread of its
/// own, because that may take seconds. REQUIRES: queues and topics taken from it are released
/// before.
class Client {
 public:
  /// `events` must outlive all polling calls. The callbacks of `conf` are set here.
  static Result<std::shared_ptr<Client>> create(rd_kafka_type_t type, Conf conf,
                                                std::shared_ptr<ClientWatch> watch,
                                                ClientEvents& events);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_; }
  /// Leaves the instance as it is when this object goes, until the process ends.
  void abandon() { abandoned_ = true; }

 private:
  /// Lives until the instance has ended.
  struct Context {
    std::shared_ptr<ClientWatch> watch;
    ClientEvents* events;
  };
  explicit Client(std::unique_ptr<Context> context) : context_(std::move(context)) {}
  static void settle(rd_kafka_t* handle, Context& context);

  std::unique_ptr<Context> context_;
  rd_kafka_t* handle_ = nullptr;
  bool abandoned_ = false;
};

}  // namespace millrace::kafka
