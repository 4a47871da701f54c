#include "millrace/framework/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "millrace/framework/committer.h"
#include "millrace/framework/instance_directory.h"
#include "millrace/framework/task_state.h"

namespace millrace {
namespace {

constexpr std::string_view kClientPrefix = "millrace-";
constexpr int kLooks = 100;
constexpr std::chrono::milliseconds kLookPause{100};

class Deployer {
 public:
  Deployer(const Topology& topology, const ApplicationConfig& config, Broker& broker, LogSink& log)
      : topology_(topology), config_(config), broker_(broker), log_(log) {}

  Status check() {
    MILLRACE_RETURN_IF_ERROR(check_loops());
    MILLRACE_RETURN_IF_ERROR(check_group());
    for (const SubTopology& part : topology_.sub_topologies())
      if (!part.reads_repartition()) MILLRACE_RETURN_IF_ERROR(check_sources(part));
    return {};
  }

  Result<Deployment> run() {
    MILLRACE_RETURN_IF_ERROR(check());
    for (const SubTopology& part : topology_.sub_topologies())
      if (part.gather)
        MILLRACE_RETURN_IF_ERROR(
            ensure_internal(resolve(*part.gather), 1, {{"cleanup.policy", "delete"}}));
    // Writers come before readers, so each repartition topic knows how many tasks write it.
    for (const SubTopology& part : topology_.sub_topologies())
      MILLRACE_RETURN_IF_ERROR(check_sinks(part));
    for (const SubTopology& part : topology_.sub_topologies())
      MILLRACE_RETURN_IF_ERROR(check_changelogs(part));
    if (!config_.dead_letter_topic.empty())
      MILLRACE_RETURN_IF_ERROR(ensure_sink(config_.dead_letter_topic));
    if (!config_.advertised_address.empty() && has_readers(topology_))
      MILLRACE_RETURN_IF_ERROR(ensure_internal(instances_topic(config_.application_id), 1,
                                               {{"cleanup.policy", "compact"}}));
    MILLRACE_RETURN_IF_ERROR(find_run());
    return std::move(deployment_);
  }

 private:
  std::string resolve(const TopicName& topic) const {
    return topic.resolve(config_.application_id);
  }
  std::int32_t tasks(const SubTopology& part) const {
    return part.gather ? 1 : deployment_.partitions.at(resolve(part.sources.front()));
  }

  /// A topic that is read and written by the same topology would feed itself for ever.
  Status check_loops() {
    for (const SubTopology& part : topology_.sub_topologies()) {
      for (const TopicName& source : part.sources) {
        if (source.kind != TopicName::Kind::kExternal) continue;
        const bool written =
            std::ranges::any_of(topology_.sub_topologies(), [&](const SubTopology& other) {
              return std::ranges::find(other.sinks, source) != other.sinks.end();
            });
        if (written || source.name == config_.dead_letter_topic)
          return Status::invalid(
              fmt::format("topic '{}' is an input and a destination of {}: it would feed itself; "
                          "choose another",
                          source.name, written ? "results" : "bad records"));
      }
    }
    return {};
  }

  Status check_group() {
    auto group = broker_.admin().describe_group(config_.application_id);
    if (!group.ok()) return group.status();
    const std::string mine = fmt::format("{}{}-", kClientPrefix, topology_.fingerprint());
    for (const GroupMember& member : group->members)
      if (member.client_id.starts_with(kClientPrefix) && !member.client_id.starts_with(mine))
        return Status::failed(
            fmt::format("group '{}' has a live member with another topology: '{}' on {}, this one "
                        "is '{}': stop it first, or choose "
                        "another application id",
                        config_.application_id, member.client_id, member.host, mine));
    return {};
  }

  Status check_sources(const SubTopology& part) {
    std::int32_t expected = 0;
    for (const TopicName& source : part.sources) {
      auto topic = broker_.admin().describe_topic(source.name);
      if (topic.status().code() == StatusCode::kNotFound)
        return Status::failed(fmt::format(
            "input topic '{0}' does not exist on {1}: create it (millrace create --broker {1} "
            "--topic {0} --partitions N) or load data into it (millrace load)",
            source.name, broker_.name()));
      if (!topic.ok()) return topic.status();
      if (expected == 0 || part.gather) expected = topic->partitions;
      if (topic->partitions != expected)
        return Status::invalid(
            fmt::format("topics '{}' and '{}' are merged in one sub-topology but have {} and {} "
                        "partitions: give both the same number",
                        part.sources.front().name, source.name, expected, topic->partitions));
      deployment_.partitions[source.name] = topic->partitions;
    }
    return {};
  }

  Status check_sinks(const SubTopology& part) {
    for (const TopicName& sink : part.sinks) {
      if (sink.kind == TopicName::Kind::kExternal) {
        MILLRACE_RETURN_IF_ERROR(ensure_sink(sink.name));
        continue;
      }
      const RepartitionSpec& spec = topology_.repartition(sink.name);
      const std::int32_t wanted = spec.partitions > 0 ? spec.partitions : tasks(part);
      MILLRACE_RETURN_IF_ERROR(ensure_internal(
          resolve(sink), wanted, {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}}));
    }
    return {};
  }

  Status check_changelogs(const SubTopology& part) {
    for (const std::string& store : part.stores)
      MILLRACE_RETURN_IF_ERROR(ensure_internal(
          fmt::format("{}-{}-changelog", config_.application_id, store), tasks(part),
          {{"cleanup.policy", "compact"},
           {"delete.retention.ms", fmt::to_string(config_.changelog_delete_retention.count())}}));
    return {};
  }

  Status ensure_sink(const std::string& name) {
    auto topic = broker_.admin().describe_topic(name);
    if (topic.status().code() == StatusCode::kNotFound) {
      // Results carry event times: a history would be older than any retention.
      MILLRACE_RETURN_IF_ERROR(create({name, 1, config_.replication, {{"retention.ms", "-1"}}}));
      log_.write(LogLevel::kInfo, "created output topic", {{"topic", name}, {"partitions", 1}});
      deployment_.partitions[name] = 1;
      return {};
    }
    if (!topic.ok()) return topic.status();
    deployment_.partitions[name] = topic->partitions;
    auto configs = broker_.admin().topic_configs(name);
    if (!configs.ok()) return configs.status();
    const std::string& retention = (*configs)["retention.ms"];
    std::int64_t retention_ms = -1;
    std::from_chars(retention.data(), retention.data() + retention.size(), retention_ms);
    if (retention_ms >= 0 && (*configs)["cleanup.policy"].find("delete") != std::string::npos)
      deployment_.retention_ms[name] = retention_ms;
    return {};
  }

  Status ensure_internal(const std::string& name, std::int32_t partitions,
                         const std::map<std::string, std::string>& configs) {
    deployment_.partitions[name] = partitions;
    auto topic = broker_.admin().describe_topic(name);
    const bool made = topic.status().code() == StatusCode::kNotFound;
    if (made) {
      MILLRACE_RETURN_IF_ERROR(create({name, partitions, config_.replication, configs}));
      topic = describe_created(name);
    }
    if (!topic.ok()) return topic.status();
    if (topic->partitions != partitions)
      return Status::invalid(
          fmt::format("internal topic '{}' has {} partitions, the topology needs {}: reset the "
                      "application (millrace reset "
                      "--application-id {}) or go back to the former number",
                      name, topic->partitions, partitions, config_.application_id));
    return made ? Status{} : check_configs(name, configs);
  }

  /// Whoever made it, records must not be deleted there before they are of no use.
  Status check_configs(const std::string& name, const std::map<std::string, std::string>& wanted) {
    auto found = broker_.admin().topic_configs(name);
    if (!found.ok()) return found.status();
    for (const auto& [config, value] : wanted) {
      const std::string& has = (*found)[config];
      if (has == value || keeps_longer(has, value)) continue;
      return Status::invalid(fmt::format(
          "internal topic '{0}' has {1}={2}, and must have {1}={3}: alter it, or delete "
          "the topic and let it be created (millrace reset --application-id {4})",
          name, config, has, value, config_.application_id));
    }
    return {};
  }

  /// Of numbers: a time longer than another; all negative ones are without an end.
  static bool keeps_longer(const std::string& has, const std::string& wanted) {
    std::int64_t a = 0, b = 0;
    if (std::from_chars(has.data(), has.data() + has.size(), a).ec != std::errc{}) return false;
    if (std::from_chars(wanted.data(), wanted.data() + wanted.size(), b).ec != std::errc{})
      return false;
    return a < 0 || (b >= 0 && a >= b);
  }

  /// Another instance may have created it a moment ago: not every broker knows of it at once.
  Result<TopicDescription> describe_created(const std::string& name) {
    auto topic = broker_.admin().describe_topic(name);
    for (int i = 0; i < kLooks && topic.status().code() == StatusCode::kNotFound; ++i) {
      std::this_thread::sleep_for(kLookPause);
      topic = broker_.admin().describe_topic(name);
    }
    return topic;
  }

  Status create(const TopicSpec& topic) {
    const Status created = broker_.admin().create_topic(topic);
    return created.code() == StatusCode::kExists ? Status{} : created;
  }

  Status find_run() {
    auto metadata = committed_metadata(topology_, config_, deployment_, broker_.admin(),
                                       [this] { return fence_the_dead(); });
    if (!metadata.ok()) return metadata.status();
    for (const OffsetMetadata& task : *metadata) deployment_.counters.add(task.counters);
    std::uint32_t last = 0;
    for (const OffsetMetadata& task : *metadata) last = std::max(last, task.run);
    const bool over = last == 0 || std::ranges::all_of(*metadata, [&](const OffsetMetadata& task) {
                        return task.run == last && task.ended;
                      });
    deployment_.run = over ? last + 1 : last;
    return {};
  }

  /// A pending transaction may be a former self's, for which nobody else is responsible.
  Status fence_the_dead() {
    if (config_.guarantee != Guarantee::kExactlyOnce) return {};
    for (int thread = 0; thread < config_.threads; ++thread)
      MILLRACE_RETURN_IF_ERROR(fence(broker_, log_, client_id(topology_, config_, thread),
                                     transactional_id(config_, thread)));
    return fence_gone_members(broker_, log_, config_.application_id,
                              client_id(topology_, config_, 0), transactional_id(config_, 0));
  }

  const Topology& topology_;
  const ApplicationConfig& config_;
  Broker& broker_;
  LogSink& log_;
  Deployment deployment_;
};

}  // namespace

Result<Deployment> deploy(const Topology& topology, const ApplicationConfig& config, Broker& broker,
                          LogSink& log) {
  return Deployer(topology, config, broker, log).run();
}

Status check_deployment(const Topology& topology, const ApplicationConfig& config, Broker& broker,
                        LogSink& log) {
  return Deployer(topology, config, broker, log).check();
}

std::vector<TopicPartition> source_partitions(const Topology& topology,
                                              const ApplicationConfig& config,
                                              const Deployment& deployment) {
  std::vector<TopicPartition> result;
  for (const SubTopology& part : topology.sub_topologies())
    for (const TopicName& source : part.sources) {
      const std::string name = source.resolve(config.application_id);
      for (std::int32_t partition = 0; partition < deployment.partitions.at(name); ++partition)
        result.push_back({name, partition});
    }
  return result;
}

Result<std::vector<OffsetMetadata>> committed_metadata(const Topology& topology,
                                                       const ApplicationConfig& config,
                                                       const Deployment& deployment, Admin& admin,
                                                       const std::function<Status()>& unblock) {
  const std::vector<TopicPartition> partitions = source_partitions(topology, config, deployment);
  Result<std::vector<PartitionOffset>> offsets = Status::retry("not asked yet");
  // A pending transaction of a predecessor settles within its time-out; each call waits a while by
  // itself.
  for (int attempt = 0; attempt < 20 && offsets.status().code() == StatusCode::kRetry; ++attempt) {
    if (attempt > 0 && unblock) MILLRACE_RETURN_IF_ERROR(unblock());
    offsets = admin.committed(config.application_id, partitions);
  }
  if (!offsets.ok()) return offsets.status();
  std::vector<OffsetMetadata> result;
  for (const PartitionOffset& offset : *offsets) {
    auto metadata = decode_offset_metadata(offset.metadata);
    if (!metadata.ok()) return metadata.status();
    MILLRACE_RETURN_IF_ERROR(check_fingerprint(topology, config, *metadata));
    result.push_back(std::move(*metadata));
  }
  return result;
}

Status check_fingerprint(const Topology& topology, const ApplicationConfig& config,
                         const OffsetMetadata& metadata) {
  if (metadata.topology.empty() || metadata.topology == topology.fingerprint()) return {};
  return Status::failed(fmt::format(
      "application '{0}' has committed with another topology ({1}, this one is {2}): its windows, "
      "counting, topics or operators differ; go back to the former options, choose another "
      "application id, or start over (millrace reset --application-id {0})",
      config.application_id, metadata.topology, topology.fingerprint()));
}

bool has_readers(const Topology& topology) {
  return std::ranges::any_of(topology.nodes(),
                             [](const NodeSpec& node) { return !node.readers.empty(); });
}

bool run_is_over(const std::vector<OffsetMetadata>& metadata, std::uint32_t run) {
  return std::ranges::all_of(metadata, [&](const OffsetMetadata& task) {
    return task.run > run || (task.run == run && task.ended);
  });
}

std::string transactional_id(const ApplicationConfig& config, int thread) {
  return fmt::format("{}-{}-{}", config.application_id, config.instance_id, thread);
}

std::string client_id(const Topology& topology, const ApplicationConfig& config, int thread) {
  return fmt::format("{}{}-{}-{}", kClientPrefix, topology.fingerprint(), config.instance_id,
                     thread);
}

}  // namespace millrace
