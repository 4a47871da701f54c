#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/application.h"

namespace millrace {

/// What an application is called; does not change while it runs.
struct ApplicationIdentity {
  std::string program;
  std::string version;
  std::string application_id;
  std::string instance_id;
  std::string broker;
  std::vector<std::string> window_names;  ///< of RunCounters::late_by_window
  std::int64_t started_ms = 0;            ///< Unix ms
  /// Those that can be read, and of what kind each is.
  std::vector<std::pair<std::string, std::string>> stores = {};
};

/// An application at one moment: all that endpoints show is made from this.
struct Observation {
  const ApplicationIdentity& identity;
  ApplicationStatus status;
  std::int64_t monotonic_ms = 0;
  std::int64_t wall_ms = 0;
  const Topology& topology;
  MemoryUsage stores;  ///< what is held of the memory that all stores share

  /// Committed counters of all tasks here, over their lives.
  RunCounters counters() const;
  /// Records refused by reason, by all threads since they began.
  RefusalCounts refused() const;
  /// Of the stores and all threads.
  MemoryUsage memory() const;
};

}  // namespace millrace
