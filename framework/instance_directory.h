#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/instance_format.h"
#include "millrace/framework/log.h"

namespace millrace {

/// Which instance has a task, by what it said last.
struct TaskOwner {
  std::string instance;
  std::string address;
};

/// The internal topic in which instances say who they are: `<application-id>-instances`.
std::string instances_topic(const std::string& application_id);

/// Says in a compacted topic which tasks this instance has and where it answers, and reads there
/// what the others say. All of it on a thread of its own, beside the application's transactions: a
/// broker that is away holds up nothing but the answers. Thread-safe.
class InstanceDirectory {
 public:
  struct Options {
    Broker& broker;
    LogSink& log;
    std::string topic;  ///< REQUIRES: it exists, with one partition
    std::string client_id;
    std::string instance_id;
    std::string address;
    /// The instance's tasks at this moment; called by the thread.
    std::function<std::vector<TaskId>()> tasks;
  };
  /// Everything borrowed must outlive this object.
  explicit InstanceDirectory(Options options);
  /// Says that the instance is gone, if it can within kTimeout.
  ~InstanceDirectory();
  InstanceDirectory(const InstanceDirectory&) = delete;
  InstanceDirectory& operator=(const InstanceDirectory&) = delete;

  /// What is known of the owners of all tasks, this instance's included: read from the topic if
  /// that was not done within the last kFresh. Waits at most kTimeout.
  std::map<TaskId, TaskOwner> owners();

  static constexpr std::chrono::milliseconds kFresh{1'000};
  static constexpr std::chrono::milliseconds kTimeout{2'000};

 private:
  using SteadyClock = std::chrono::steady_clock;

  void run();
  void announce();
  Status produce(std::string_view value);
  Result<std::map<TaskId, TaskOwner>> read();
  bool stopping();

  const Options options_;
  const TopicPartition partition_;
  // Of the thread alone.
  std::unique_ptr<Producer> producer_;
  std::optional<InstanceRecord> announced_;
  bool sending_ = false;  ///< what was announced has not arrived yet

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  bool wanted_ = false;
  std::map<TaskId, TaskOwner> owners_;
  std::optional<SteadyClock::time_point> read_at_;
  std::thread thread_;
};

}  // namespace millrace
