#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "millrace/framework/instance_directory.h"
#include "millrace/framework/store_view.h"
#include "millrace/framework/stream_thread.h"

namespace millrace {

enum class ApplicationState { kCreated, kRunning, kStopping, kStopped, kFailed };

std::string_view to_string(ApplicationState state);

/// What is known of a whole application instance: what its threads last published.
struct ApplicationStatus {
  ApplicationState state = ApplicationState::kCreated;
  std::vector<std::shared_ptr<const ThreadStatus>> threads;
  std::vector<Activity> activities;  ///< of the threads, at this moment
  std::vector<bool> broker_away;     ///< from each thread, as it last found out
};

/// Runs a topology on a broker with a number of stream threads. Installs no signal handler, prints
/// nothing, never exits.
///
/// Everything passed by reference must outlive it. start(), then wait() or stop(); all calls are
/// thread-safe.
class Application {
 public:
  struct Options {
    Topology topology;
    ApplicationConfig config;
    Broker& broker;
    TaskStateFactory state_factory;
    const Clock& clock;
    LogSink& log;
    /// Called at each change of state, from any thread; must return soon. May be empty.
    std::function<void(ApplicationState)> on_state;
  };

  explicit Application(Options options);
  /// Stops, if it still runs.
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Checks topics, joins the group, starts the threads. Errors are those of deploy(), or of the
  /// broker; while a part of the cluster is away it tries again, for 60 s or
  /// until request_stop().
  Status start();
  /// Asks the threads to commit and leave the group, and waits for them, at most `deadline`.
  Status stop(std::chrono::milliseconds deadline);
  /// Only asks. Async-signal-unsafe; returns at once.
  void request_stop();
  /// Waits until all threads are done: stopped, failed, or at the end of a bounded run. Returns the
  /// first error.
  Status wait();
  /// Waits at most so long. True if all threads are done.
  bool wait_for(std::chrono::milliseconds timeout);
  /// Costs the threads nothing, however often it is asked for.
  ApplicationStatus status() const;

  /// A store, to be read by operators/query.h: committed data only. kNotFound names the stores;
  /// kRetry: it has not started yet. Costs the threads nothing.
  Result<StoreView> store(std::string_view name) const;
  /// Which instances have tasks, as far as they say it: those with an advertised address do. May
  /// wait for the broker, up to InstanceDirectory::kTimeout.
  std::map<TaskId, TaskOwner> owners() const;

  /// What was committed for all partitions by all instances: the counters of design §5.1, summed.
  Result<RunCounters> committed_counters();
  /// The same as it was when this instance started.
  const RunCounters& counters_at_start() const { return deployment_.counters; }
  const ApplicationConfig& config() const { return options_.config; }
  const Topology& topology() const { return options_.topology; }

 private:
  Status deploy_patiently();
  void run(StreamThread& thread);
  Status run_turns(StreamThread& thread);
  void set_state(ApplicationState state);
  std::vector<TaskId> tasks() const;
  void open_directory();

  Options options_;
  Deployment deployment_;
  std::vector<std::unique_ptr<StreamThread>> threads_;
  std::vector<std::thread> runners_;
  std::unique_ptr<InstanceDirectory> directory_;  ///< null without an advertised address
  std::atomic<bool> stop_{false};

  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::size_t running_ = 0;
  ApplicationState state_ = ApplicationState::kCreated;
  Status error_;
};

}  // namespace millrace
