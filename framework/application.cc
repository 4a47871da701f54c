#include "millrace/framework/application.h"

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <random>
#include <set>

namespace millrace {
namespace {

constexpr std::int64_t kStartTimeoutMs = 60'000;
constexpr std::chrono::milliseconds kStartPause{500};

}  // namespace

std::string_view to_string(ApplicationState state) {
  switch (state) {
    case ApplicationState::kCreated:
      return "created";
    case ApplicationState::kRunning:
      return "running";
    case ApplicationState::kStopping:
      return "stopping";
    case ApplicationState::kStopped:
      return "stopped";
    case ApplicationState::kFailed:
      return "failed";
  }
  return "unknown";
}

Application::Application(Options options) : options_(std::move(options)) {
  ApplicationConfig& config = options_.config;
  if (config.application_id.empty()) config.application_id = options_.topology.name();
  if (config.instance_id.empty())
    config.instance_id = fmt::format("{:08x}", std::random_device{}());
}

Application::~Application() {
  request_stop();
  for (std::thread& runner : runners_)
    if (runner.joinable()) runner.join();
  directory_.reset();  // it asks the threads for their tasks
}

Status Application::start() {
  MILLRACE_CHECK(state_ == ApplicationState::kCreated, "an application is started once");
  const ApplicationConfig& config = options_.config;
  if (config.threads < 1)
    return Status::invalid(fmt::format("{} threads: at least 1 is needed", config.threads));
  if (config.on_bad_record == BadRecordPolicy::kDeadLetter && config.dead_letter_topic.empty())
    return Status::invalid("bad records are to be dead-lettered, but no dead-letter topic is set");
  MILLRACE_RETURN_IF_ERROR(deploy_patiently());

  const ThreadEnvironment environment{options_.topology,     config,         deployment_,
                                      options_.broker,       options_.clock, options_.log,
                                      options_.state_factory};
  std::vector<std::unique_ptr<StreamThread>> threads;
  for (int i = 0; i < config.threads; ++i) {
    threads.push_back(std::make_unique<StreamThread>(i, environment));
    const Status started = threads.back()->start();
    if (started.ok()) continue;
    for (const auto& thread : threads)
      if (const Status stopped = thread->stop(false); !stopped.ok())
        options_.log.write(LogLevel::kInfo, "could not stop", {{"error", stopped.message()}});
    return started;
  }
  {
    const std::lock_guard lock(mutex_);
    threads_ = std::move(threads);
    running_ = threads_.size();
    open_directory();
  }
  set_state(ApplicationState::kRunning);
  for (const auto& thread : threads_)
    runners_.emplace_back([this, &thread = *thread] { run(thread); });
  return {};
}

/// A cluster of which a part is away answers some questions only when that is back.
Status Application::deploy_patiently() {
  const std::int64_t deadline_ms = options_.clock.monotonic_ms() + kStartTimeoutMs;
  while (true) {
    auto deployment = deploy(options_.topology, options_.config, options_.broker, options_.log);
    if (deployment.ok()) {
      deployment_ = std::move(*deployment);
      return {};
    }
    if (deployment.status().code() != StatusCode::kRetry || stop_ ||
        options_.clock.monotonic_ms() >= deadline_ms)
      return deployment.status();
    options_.log.write(LogLevel::kWarning, "cannot start yet, trying again",
                       {{"error", deployment.status().message()}});
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, kStartPause, [this] { return stop_.load(); });
  }
}

namespace {

/// An exception, of a user's hook or for want of memory, ends the thread and not the process.
template <class Function>
Status guarded(Function function) {
  try {
    return function();
  } catch (const std::exception& error) {
    return Status::failed(fmt::format("a stream thread threw: {}", error.what()));
  } catch (...) {
    return Status::failed("a stream thread threw an exception that is no std::exception");
  }
}

}  // namespace

void Application::run(StreamThread& thread) {
  Status status = guarded([&] { return run_turns(thread); });
  if (status.ok()) status = guarded([&] { return thread.stop(true); });
  // After a last commit that threw, too: the group is left at once.
  if (!status.ok()) static_cast<void>(guarded([&] { return thread.stop(false); }));
  if (!status.ok()) {
    // wait() returns the first error, for the caller to show once; here are all.
    options_.log.write(LogLevel::kInfo, "stream thread failed",
                       {{"thread", thread.index()}, {"error", status.message()}});
    request_stop();
  }
  std::optional<ApplicationState> ended;
  {
    const std::lock_guard lock(mutex_);
    if (error_.ok()) error_ = status;
    if (--running_ == 0)
      ended = state_ = error_.ok() ? ApplicationState::kStopped : ApplicationState::kFailed;
  }
  if (ended && options_.on_state) options_.on_state(*ended);
  done_.notify_all();
}

Status Application::run_turns(StreamThread& thread) {
  while (!stop_) {
    const auto turn = thread.turn();
    if (!turn.ok()) return turn.status();
    if (*turn == StreamThread::Turn::kDone) return {};
    if (*turn == StreamThread::Turn::kNothing) thread.wait();
  }
  return {};
}

void Application::request_stop() {
  if (stop_.exchange(true)) return;
  bool stops = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& thread : threads_) thread->hurry();
    stops = state_ == ApplicationState::kRunning && running_ > 0;
    if (stops) state_ = ApplicationState::kStopping;
  }
  done_.notify_all();  // a start may be waiting
  if (stops && options_.on_state) options_.on_state(ApplicationState::kStopping);
}

Status Application::stop(std::chrono::milliseconds deadline) {
  request_stop();
  {
    std::unique_lock lock(mutex_);
    if (!done_.wait_for(lock, deadline, [&] { return running_ == 0; }))
      return Status::failed(fmt::format("{} of {} threads did not stop within {} ms", running_,
                                        threads_.size(), deadline.count()));
  }
  return wait();
}

Status Application::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return running_ == 0; });
  return error_;
}

bool Application::wait_for(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return done_.wait_for(lock, timeout, [&] { return running_ == 0; });
}

void Application::set_state(ApplicationState state) {
  {
    const std::lock_guard lock(mutex_);
    state_ = state;
  }
  if (options_.on_state) options_.on_state(state);
}

ApplicationStatus Application::status() const {
  ApplicationStatus result;
  {
    const std::lock_guard lock(mutex_);
    result.state = state_;
  }
  if (result.state == ApplicationState::kCreated) return result;
  for (const auto& thread : threads_) {
    result.threads.push_back(thread->status());
    result.activities.push_back(thread->activity());
    result.broker_away.push_back(thread->broker_away());
  }
  return result;
}

Result<StoreView> Application::store(std::string_view name) const {
  const ApplicationStatus now = status();
  if (now.state == ApplicationState::kCreated)
    return Status::retry("the application has not started yet: ask again");
  return view_store(options_.topology, options_.config.application_id, deployment_, now.threads,
                    name);
}

/// REQUIRES: the mutex is held.
void Application::open_directory() {
  const ApplicationConfig& config = options_.config;
  if (config.advertised_address.empty() || !has_readers(options_.topology)) return;
  directory_ = std::make_unique<InstanceDirectory>(InstanceDirectory::Options{
      .broker = options_.broker,
      .log = options_.log,
      .topic = instances_topic(config.application_id),
      .client_id = fmt::format("{}-{}-instances", config.application_id, config.instance_id),
      .instance_id = config.instance_id,
      .address = config.advertised_address,
      .tasks = [this] { return tasks(); }});
}

std::vector<TaskId> Application::tasks() const {
  std::set<TaskId> found;  // one that moves may be seen twice
  for (const auto& thread : status().threads)
    for (const TaskStatus& task : thread->tasks) found.insert(task.id);
  return {found.begin(), found.end()};
}

std::map<TaskId, TaskOwner> Application::owners() const {
  {
    const std::lock_guard lock(mutex_);
    if (!directory_) return {};
  }
  return directory_->owners();
}

Result<RunCounters> Application::committed_counters() {
  auto metadata =
      committed_metadata(options_.topology, options_.config, deployment_, options_.broker.admin());
  if (!metadata.ok()) return metadata.status();
  RunCounters sum;
  for (const OffsetMetadata& task : *metadata) sum.add(task.counters);
  return sum;
}

}  // namespace millrace
