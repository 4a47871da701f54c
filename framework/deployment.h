#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "millrace/framework/application_config.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/offset_metadata_format.h"
#include "millrace/framework/topology.h"

namespace millrace {

/// What is fixed about a topology and a broker when an application starts.
struct Deployment {
  std::map<std::string, std::int32_t>
      partitions;  ///< of every topic of the topology, by resolved name
  /// Of existing sinks that delete by age: how long records are kept.
  std::map<std::string, std::int64_t> retention_ms;
  RunCounters counters;   ///< committed before
  std::uint32_t run = 0;  ///< this process's run number (design §5.9)
};

/// Checks the topics, creates internal ones and missing sinks, refuses a live group of another
/// topology, and fixes the run number. kInvalid: topology and topics do not fit, the text names
/// both sides; kFailed: broker or topic is missing.
Result<Deployment> deploy(const Topology& topology, const ApplicationConfig& config, Broker& broker,
                          LogSink& log);

/// The checks alone: nothing is created.
Status check_deployment(const Topology& topology, const ApplicationConfig& config, Broker& broker,
                        LogSink& log);

/// The partitions whose committed offsets describe the run: those of every source of every
/// sub-topology.
std::vector<TopicPartition> source_partitions(const Topology& topology,
                                              const ApplicationConfig& config,
                                              const Deployment& deployment);

/// Metadata of all source partitions as committed now, in the order of source_partitions(). Waits
/// for pending transactions, and calls `unblock`, if given, each second while it does.
Result<std::vector<OffsetMetadata>> committed_metadata(const Topology& topology,
                                                       const ApplicationConfig& config,
                                                       const Deployment& deployment, Admin& admin,
                                                       const std::function<Status()>& unblock = {});

/// kFailed: this was committed by a topology with which kept state does not fit.
Status check_fingerprint(const Topology& topology, const ApplicationConfig& config,
                         const OffsetMetadata& metadata);

/// People can read a store of it.
bool has_readers(const Topology& topology);

/// Every task has committed `ended` in this run, or stands in a later one.
bool run_is_over(const std::vector<OffsetMetadata>& metadata, std::uint32_t run);

/// The id by which a thread's producer fences its former self: "<application>-<instance>-<thread>".
std::string transactional_id(const ApplicationConfig& config, int thread);

/// What a member tells the group about itself: carries the topology's fingerprint.
std::string client_id(const Topology& topology, const ApplicationConfig& config, int thread);

}  // namespace millrace
