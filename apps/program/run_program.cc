#include "millrace/apps/program/run_program.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>

#include "millrace/apps/program/broker_choice.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/http/endpoints.h"
#include "millrace/apps/program/http/http_server.h"
#include "millrace/apps/program/instance_id.h"
#include "millrace/apps/program/logging.h"
#include "millrace/apps/program/result_feed.h"
#include "millrace/apps/program/run_report.h"
#include "millrace/apps/program/signals.h"
#include "millrace/apps/program/state_directory.h"
#include "millrace/apps/program/terminal.h"
#include "millrace/framework/application.h"
#include "millrace/state/memory_task_state.h"
#include "millrace/state/rocksdb/rocksdb_state.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::size_t kStackBytes = std::size_t{2} << 20;
constexpr const char* kDeadLetterTopic = "dead-letters";  // what a file of them is called inside

/// Bounds the stack of each thread to come, those of librdkafka included. The system's eight
/// megabytes for each would be half of a limit on memory that counts what is reserved.
void bound_stacks() {
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, kStackBytes) == 0)
    pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

Result<BadRecordPolicy> policy(const StreamOptions& options) {
  if (options.on_bad_record == "skip") return BadRecordPolicy::kSkip;
  if (options.on_bad_record == "stop") return BadRecordPolicy::kStop;
  return options.dead_letter.empty() ? BadRecordPolicy::kStop : BadRecordPolicy::kDeadLetter;
}

std::vector<std::pair<std::string, std::string>> readable_stores(const Topology& topology) {
  std::vector<std::pair<std::string, std::string>> stores;
  for (const NodeSpec& node : topology.nodes())
    for (const auto& [store, reader] : node.readers) stores.emplace_back(store, reader->kind());
  return stores;
}

/// Where others reach this instance; empty: nowhere.
std::string advertised(const StreamOptions& options, const std::optional<HttpListener>& listener) {
  if (!options.advertise.empty() || !listener) return options.advertise;
  return listener->address().reachable().text();
}

class Run {
 public:
  Run(const ProgramInfo& info, StreamProgram& program, StreamOptions options)
      : info_(info),
        program_(program),
        options_(std::move(options)),
        log_(make_log(terminal_, options_.broker.log_level, options_.broker.log_format)) {}

  /// run(), and its error as the last line. Returns the exit code.
  int run_to_exit(StopSignal& stop) {
    const Status status = run(stop);
    if (!status.ok())
      log_->say(LogLevel::kError, fmt::format("{}: {}", info_.name, status.message()));
    return exit_code(status);
  }

 private:
  Status run(StopSignal& stop) {
    auto topology = program_.topology(options_);
    if (!topology.ok()) return topology.status();
    if (options_.describe) {
      fmt::print("{}\n{}", topology->describe(), topology->mermaid());
      return {};
    }
    auto config = configure(*topology);
    if (!config.ok()) return config.status();
    auto broker = open();
    if (!broker.ok()) return broker.status();
    MILLRACE_RETURN_IF_ERROR(program_.check((*broker)->admin()));
    if (options_.check) {
      MILLRACE_RETURN_IF_ERROR(check_deployment(*topology, *config, **broker, *log_));
      fmt::print("options, topology and topics on {} are fine\n", (*broker)->name());
      return {};
    }
    auto listener = listen();
    if (!listener.ok()) return listener.status();
    if (!reads_files())  // who reads files is alone
      config->advertised_address = advertised(options_, *listener);
    auto state_factory = open_state(*topology, config->application_id);
    if (!state_factory.ok()) return state_factory.status();
    Application application({.topology = std::move(*topology),
                             .config = std::move(*config),
                             .broker = **broker,
                             .state_factory = std::move(*state_factory),
                             .clock = clock_,
                             .log = *log_,
                             .on_state = {}});
    RunReport report(*log_, clock_, application,
                     {.program = info_.name,
                      .every_records = options_.progress_every,
                      .window_names = program_.window_names(),
                      .going_on = going_on()});
    std::optional<ResultFeed> results;
    if (std::string topic = program_.results(options_); !topic.empty())
      results.emplace(**broker, clock_, std::move(topic));
    const Endpoints endpoints(application, clock_, identity(application, **broker),
                              answers_from(results), [this] { return memory_of_stores(); });
    std::optional<HttpServer> server;  // from here on until the application is done
    if (*listener)
      server.emplace(
          std::move(**listener),
          [&](const HttpRequest& request) { return endpoints.answer(request); },
          HttpServer::Limits{});
    stop.on_request([&] {
      log_->say(LogLevel::kInfo,
                info_.name + ": stopping: committing what is done (Ctrl-C again ends at once)");
      application.request_stop();
    });
    const Status started = application.start();
    if (!started.ok()) {
      stop.on_request({});
      if (!stop.requested()) return started;
      return {started.code(), "stopped as asked before it began: " + started.message()};
    }
    while (!application.wait_for(kLook)) report.show();
    stop.on_request({});
    return report.finish(application.wait(), stop.requested(), options_.summary);
  }

  /// How to go on after this run.
  std::string going_on() const {
    if (reads_files()) return "a file is read from its beginning at each start";
    if (in_memory()) return "a broker in memory ends with its process";
    return "the same command goes on behind them";
  }

  bool in_memory() const { return options_.broker.broker == "embedded:"; }
  bool reads_files() const { return !options_.from.empty(); }

  Result<ApplicationConfig> configure(const Topology& topology) {
    ApplicationConfig config;
    config.application_id =
        options_.application_id.empty() ? topology.name() : options_.application_id;
    MILLRACE_RETURN_IF_ERROR(check_application_id(config.application_id));
    config.instance_id = options_.instance_id;
    if (config.instance_id.empty() && !reads_files()) {
      auto claimed = InstanceId::claim(options_.state_dir, config.application_id);
      if (!claimed.ok()) return claimed.status();
      instance_.emplace(std::move(*claimed));
      config.instance_id = instance_->name();
    }
    config.static_membership = options_.static_membership;
    config.threads = options_.threads;
    config.commit_interval = options_.commit_interval;
    config.session_timeout = options_.session_timeout;
    config.guarantee =
        options_.guarantee == "at_least_once" ? Guarantee::kAtLeastOnce : Guarantee::kExactlyOnce;
    config.until_end = options_.until_end || reads_files();  // a file ends
    auto on_bad_record = policy(options_);
    if (!on_bad_record.ok()) return on_bad_record.status();
    config.on_bad_record = *on_bad_record;
    config.on_lost_input =
        options_.on_lost_input == "skip" ? LostInputPolicy::kSkip : LostInputPolicy::kStop;
    config.dead_letter_topic =
        reads_files() && !options_.dead_letter.empty() ? kDeadLetterTopic : options_.dead_letter;
    program_.configure(config);
    return config;
  }

  /// None without --http.
  Result<std::optional<HttpListener>> listen() {
    if (options_.http.empty()) return std::optional<HttpListener>();
    const auto address = HttpAddress::parse(options_.http);
    if (!address.ok()) return address.status();
    auto listener = HttpListener::open(*address);
    if (!listener.ok()) return listener.status();
    log_->say(LogLevel::kInfo,
              fmt::format("{}: serving http://{}/", info_.name, listener->address().text()));
    return std::optional(std::move(*listener));
  }

  /// Empty without results.
  static HttpHandler answers_from(std::optional<ResultFeed>& results) {
    if (!results) return {};
    return [&results](const HttpRequest& request) -> HttpResponse {
      const auto after = request.query.find("after");
      return {200, "application/json",
              results->json(after == request.query.end() ? std::string() : after->second)};
    };
  }

  ApplicationIdentity identity(const Application& application, const Broker& broker) const {
    return {.program = info_.name,
            .version = std::string(info_.version),
            .application_id = application.config().application_id,
            .instance_id = application.config().instance_id,
            .broker = reads_files() ? options_.from : broker.name(),
            .window_names = program_.window_names(),
            .started_ms = clock_.wall_ms(),
            .stores = readable_stores(application.topology())};
  }

  Result<std::unique_ptr<Broker>> open() {
    BrokerChoice choice{.broker = options_.broker.broker,
                        .kafka = options_.broker.kafka,
                        .inputs = {},
                        .outputs = {}};
    if (reads_files()) {
      const StreamProgram::Files files = program_.files(options_);
      choice.broker = "embedded:";
      choice.inputs = files.inputs;
      choice.outputs = files.outputs;
      if (!options_.dead_letter.empty())
        choice.outputs.emplace(kDeadLetterTopic, options_.dead_letter);
    }
    return open_broker(choice, clock_, *log_);
  }

  /// State is kept where the changelogs are: beside a broker in memory it would outlive them.
  Result<TaskStateFactory> open_state(const Topology& topology, const std::string& application_id) {
    const bool stateful = std::ranges::any_of(
        topology.sub_topologies(), [](const SubTopology& part) { return !part.stores.empty(); });
    if (!stateful || reads_files() || in_memory())
      return TaskStateFactory([this](const TaskStateOptions& state) {
        return memory_task_state_within(state, &unlimited_);
      });
    state_.emplace(RocksdbStateOptions{
        .directory = application_directory(options_.state_dir, application_id).parent_path(),
        .memory_bytes = static_cast<std::size_t>(options_.memory_bytes),
        .clock = clock_,
        .log = *log_});
    MILLRACE_RETURN_IF_ERROR(state_->claim(application_id, topology.fingerprint()));
    return state_->factory();
  }

  MemoryUsage memory_of_stores() {
    if (state_) return state_->memory();
    MemoryUsage usage;
    usage[MemoryOwner::kKept] = unlimited_.held(MemoryUse::kKept);
    usage[MemoryOwner::kRepeatable] = unlimited_.held(MemoryUse::kRepeated);
    return usage;
  }

  const ProgramInfo& info_;
  StreamProgram& program_;
  StreamOptions options_;
  Terminal terminal_;
  SystemClock clock_;
  std::unique_ptr<ProgramLog> log_;
  std::optional<InstanceId> instance_;
  std::optional<RocksdbState> state_;
  MemoryBudget unlimited_{MemoryBudget::kNoLimit};  ///< beside stores in memory: only to know
};

}  // namespace

int run_program(int argc, char** argv, const ProgramInfo& info, StreamProgram& program) {
  bound_stacks();
  StopSignal stop;
  StreamOptions stream;
  Options options(info);
  program.declare(options);
  declare_stream_options(options, stream);
  if (const auto code = options.parse_main(argc, argv)) return *code;
  if (const Status status = check_stream_options(options, stream); !status.ok())
    return report(info.name, status);
  return Run(info, program, std::move(stream)).run_to_exit(stop);
}

}  // namespace millrace
