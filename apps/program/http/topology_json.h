#pragma once

#include <string>

#include "millrace/framework/topology.h"

namespace millrace {

/// The graph as one JSON object: sub-topologies, in them nodes with operators, topics (by resolved
/// name), stores, and the inner edges that they read and write.
std::string topology_json(const Topology& topology, const std::string& application_id);

}  // namespace millrace
