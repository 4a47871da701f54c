#include "millrace/tests/kit/topology_test_driver.h"

#include <algorithm>

#include "millrace/framework/deployment.h"
#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/state/memory_task_state.h"

namespace millrace {
namespace {

constexpr int kMaxRounds = 100'000;
constexpr int kStillRounds = 4;  // a rebalance or a restore goes on without a record being read
constexpr int kStillIntervals = 2;
constexpr std::chrono::milliseconds kLeastInterval{100};  // so often a bounded run asks for its end

std::string_view view_of(const std::optional<std::string>& text) {
  return text ? std::string_view(*text) : std::string_view();
}

std::optional<std::string> copy_of(std::string_view text) {
  if (text.data() == nullptr) return std::nullopt;
  return std::string(text);
}

OutputRecord output_of(const RecordView& record, std::int32_t partition) {
  OutputRecord output{copy_of(record.key), copy_of(record.value), partition,
                      record.offset,       record.timestamp_ms,   {}};
  for (const Header& header : record.headers)
    output.headers.emplace_back(header.name, header.value);
  return output;
}

}  // namespace

/// One process: its threads, and what they share.
struct TopologyTestDriver::Instance {
  ApplicationConfig config;
  Deployment deployment;
  TaskStateFactory state_factory;
  std::vector<std::unique_ptr<StreamThread>> threads;  ///< null: left at the end of its run

  bool finished() const {
    return std::ranges::all_of(threads, [](const auto& thread) { return thread == nullptr; });
  }
};

TopologyTestDriver::TopologyTestDriver(Options options)
    : options_(std::move(options)), clock_(options_.start_wall_ms) {
  ApplicationConfig& config = options_.config;
  if (config.application_id.empty()) config.application_id = options_.topology.name();
  if (config.instance_id.empty()) config.instance_id = "instance-1";
  if (!options_.state_factory) options_.state_factory = memory_task_state;
  if (options_.log == nullptr) options_.log = &null_log();

  EmbeddedOptions embedded{.directory = {}, .clock = clock_, .log = *options_.log};
  embedded.blocking_waits = false;
  if (options_.compaction_floor_bytes > 0)
    embedded.compaction_floor_bytes = options_.compaction_floor_bytes;
  auto broker = open_embedded_broker(embedded);
  if (!broker.ok()) {
    fail(broker.status());
    return;
  }
  broker_ = std::move(*broker);
  if (options_.wrap_broker) wrapped_ = options_.wrap_broker(*broker_);
  for (const SubTopology& part : options_.topology.sub_topologies())
    for (const TopicName& source : part.sources)
      if (source.kind == TopicName::Kind::kExternal)
        options_.partitions.try_emplace(source.name, 1);
  for (const auto& [topic, partitions] : options_.partitions)
    fail(broker_->admin().create_topic({topic, partitions, -1, {}}));
  for (const TopicSpec& topic : options_.topics) fail(broker_->admin().create_topic(topic));
  auto producer = broker_->producer({});
  if (!producer.ok()) {
    fail(producer.status());
    return;
  }
  input_ = std::move(*producer);
}

TopologyTestDriver::~TopologyTestDriver() = default;

void TopologyTestDriver::fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void TopologyTestDriver::pipe_input(const std::string& topic, const InputRecord& record) {
  if (!input_) return;
  fail(input_->produce({.topic = topic,
                        .partition = record.partition,
                        .key = view_of(record.key),
                        .value = view_of(record.value),
                        .timestamp_ms = record.timestamp_ms.value_or(RecordView::kNoTimestamp)}));
  fail(input_->flush(std::chrono::seconds(1)));
}

Result<StoreView> TopologyTestDriver::store(std::string_view name) const {
  if (instances_.empty()) return Status::retry("no instance runs");
  const Instance& instance = *instances_.front();
  std::vector<std::shared_ptr<const ThreadStatus>> threads;
  for (const auto& thread : instance.threads)
    if (thread) threads.push_back(thread->status());
  return view_store(options_.topology, instance.config.application_id, instance.deployment, threads,
                    name);
}

// --- instances

void TopologyTestDriver::begin() {
  if (!begun_) add_instance(options_.config.instance_id);
}

TopologyTestDriver::Instance* TopologyTestDriver::find(const std::string& id) {
  const auto found = std::ranges::find_if(
      instances_, [&](const auto& instance) { return instance->config.instance_id == id; });
  return found == instances_.end() ? nullptr : found->get();
}

bool TopologyTestDriver::add_instance(const std::string& id) {
  begun_ = true;
  if (!status_.ok()) return false;
  const auto refused = [this](const Status& status) {
    if (status.code() != StatusCode::kRetry) fail(status);
    return false;
  };
  if (find(id) != nullptr) return refused(Status::invalid("instance '" + id + "' runs already"));
  Broker& broker = wrapped_ ? *wrapped_ : *broker_;
  auto instance = std::make_unique<Instance>();
  instance->config = options_.config;
  instance->config.instance_id = id;
  auto deployment = deploy(options_.topology, instance->config, broker, *options_.log);
  if (!deployment.ok()) return refused(deployment.status());
  instance->deployment = std::move(*deployment);
  instance->state_factory =
      options_.instance_state ? options_.instance_state(id) : options_.state_factory;
  const ThreadEnvironment environment{
      options_.topology, instance->config,       instance->deployment, broker, clock_,
      *options_.log,     instance->state_factory};
  for (int i = 0; i < instance->config.threads; ++i) {
    instance->threads.push_back(std::make_unique<StreamThread>(i, environment));
    if (const Status status = instance->threads.back()->start(); !status.ok())
      return refused(status);
  }
  instances_.push_back(std::move(instance));
  return true;
}

void TopologyTestDriver::stop_instance(const std::string& id) {
  begin();
  Instance* const instance = find(id);
  if (instance == nullptr) return fail(Status::not_found("no instance '" + id + "' runs"));
  for (const auto& thread : instance->threads)
    if (thread) fail(thread->stop(true));
  std::erase_if(instances_, [&](const auto& each) { return each.get() == instance; });
}

void TopologyTestDriver::crash_instance(const std::string& id) {
  begin();
  Instance* const instance = find(id);
  if (instance == nullptr) return fail(Status::not_found("no instance '" + id + "' runs"));
  std::erase_if(instances_, [&](const auto& each) { return each.get() == instance; });
}

std::vector<std::string> TopologyTestDriver::instances() const {
  std::vector<std::string> ids;
  for (const auto& instance : instances_) ids.push_back(instance->config.instance_id);
  return ids;
}

std::shared_ptr<const ThreadStatus> TopologyTestDriver::published(const std::string& id,
                                                                  int thread) const {
  for (const auto& instance : instances_)
    if (const auto& found = instance->threads[static_cast<std::size_t>(thread)];
        instance->config.instance_id == id && found)
      return found->status();
  return nullptr;
}

bool TopologyTestDriver::ended() const { return any_finished_ && instances_.empty(); }

void TopologyTestDriver::disturb() {
  begin();
  if (!status_.ok()) return;
  std::vector<std::string> leads;
  for (const SubTopology& part : options_.topology.sub_topologies())
    leads.push_back(part.lead().resolve(options_.config.application_id));
  ConsumerOptions options;
  options.group_id = options_.config.application_id;
  options.client_id = "bystander";
  auto consumer = broker_->consumer(options);
  if (!consumer.ok()) return fail(consumer.status());
  fail((*consumer)->subscribe(leads));
  fail((*consumer)->serve());
  fail((*consumer)->close());
}

// --- running

bool TopologyTestDriver::turn(Instance& instance, std::size_t index) {
  std::unique_ptr<StreamThread>& thread = instance.threads[index];
  if (!thread) return false;
  const auto turned = thread->turn();
  if (turned.ok() && *turned != StreamThread::Turn::kDone)
    return *turned == StreamThread::Turn::kWorked;
  if (!turned.ok()) fail(turned.status());
  const Status stopped = thread->stop(turned.ok());
  fail(stopped);
  thread.reset();
  any_finished_ = any_finished_ || turned.ok();
  return true;
}

void TopologyTestDriver::drop_finished() {
  std::erase_if(instances_, [](const auto& instance) { return instance->finished(); });
}

bool TopologyTestDriver::turn(const std::string& id, int thread) {
  begin();
  Instance* const instance = find(id);
  if (instance == nullptr) return false;
  const bool worked = turn(*instance, static_cast<std::size_t>(thread));
  drop_finished();
  return worked;
}

bool TopologyTestDriver::turn_all() {
  bool worked = false;
  for (const auto& instance : instances_)
    for (std::size_t i = 0; i < instance->threads.size(); ++i)
      worked = turn(*instance, i) || worked;
  drop_finished();
  return worked;
}

/// Rounds at one point in time, until several in a row find nothing to do.
bool TopologyTestDriver::run_rounds() {
  bool worked = false;
  for (int round = 0, still = 0; still < kStillRounds && status_.ok() && !instances_.empty();
       ++round) {
    if (round == kMaxRounds)
      fail(Status::failed("the topology does not come to rest in 100,000 rounds"));
    still = turn_all() ? 0 : still + 1;
    worked = worked || still == 0;
  }
  return worked;
}

void TopologyTestDriver::run_until_idle() {
  begin();
  const auto interval = std::max(options_.config.commit_interval, kLeastInterval);
  run_rounds();
  for (int still = 0; status_.ok() && !instances_.empty() && still < kStillIntervals;) {
    clock_.advance(interval);
    still = run_rounds() ? 0 : still + 1;
  }
}

void TopologyTestDriver::run_for(std::chrono::milliseconds time) {
  begin();
  const auto step = std::max(options_.config.session_timeout / 4, std::chrono::milliseconds(1));
  for (; time.count() > 0 && status_.ok(); time -= step) {
    clock_.advance(std::min(step, time));
    run_rounds();
  }
  run_until_idle();
}

// --- what came out

std::vector<OutputRecord> TopologyTestDriver::read_output(const std::string& topic) const {
  std::vector<OutputRecord> result;
  const auto description = broker_->admin().describe_topic(topic);
  if (!description.ok()) return result;  // never written
  auto consumer = broker_->consumer({});
  MILLRACE_CHECK(consumer.ok(), "a plain reader of the embedded broker needs nothing");
  RecordBatch batch;
  for (std::int32_t i = 0; i < description->partitions; ++i) {
    const TopicPartition partition{topic, i};
    const auto earliest = broker_->admin().list_offsets({&partition, 1}, OffsetSpec::kEarliest);
    MILLRACE_CHECK(earliest.ok(), "the topic has this partition");
    const PartitionOffset from{partition, earliest->front(), {}};
    const Status assigned = (*consumer)->assign({&from, 1});
    MILLRACE_CHECK(assigned.ok(), "it starts where the log does");
    do {
      batch.reset();
      const Status polled = (*consumer)->poll(partition, {}, batch);
      MILLRACE_CHECK(polled.ok(), "nobody deletes records meanwhile");
      for (const RecordView& record : batch.records()) result.push_back(output_of(record, i));
    } while (!batch.empty());
  }
  return result;
}

std::vector<std::string> TopologyTestDriver::values(const std::string& topic) const {
  std::vector<std::string> result;
  for (OutputRecord& record : read_output(topic)) result.push_back(record.value.value_or(""));
  return result;
}

RunCounters TopologyTestDriver::counters() const {
  RunCounters sum;
  const auto deployment = deploy(options_.topology, options_.config, *broker_, *options_.log);
  if (!deployment.ok()) return sum;
  const auto tasks =
      committed_metadata(options_.topology, options_.config, *deployment, broker_->admin());
  if (!tasks.ok()) return sum;
  for (const OffsetMetadata& task : *tasks) sum.add(task.counters);
  return sum;
}

}  // namespace millrace
