#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/framework/graph.h"
#include "millrace/framework/status.h"

namespace millrace {

/// Nodes that are joined by inner edges: they run in one task per partition number, or, where one
/// of them gathers, in one task for all partitions.
struct SubTopology {
  int id = 0;
  std::vector<int> nodes;          ///< ascending: from sources to sinks
  std::vector<TopicName> sources;  ///< with as many partitions each, unless they are gathered
  std::optional<TopicName> gather;
  std::vector<TopicName> sinks;
  std::vector<std::string> stores;  ///< each with a changelog
  /// The topic whose partitions the group deals out: each is a task.
  const TopicName& lead() const { return gather ? *gather : sources.front(); }
  bool reads_repartition() const { return sources.front().kind == TopicName::Kind::kRepartition; }
  /// Every task hears of every source upstream, and keeps what it hears in a store. (Who gathers
  /// hears of each in its own partition, and keeps it with that partition's offset.)
  bool keeps_words() const { return reads_repartition() && !gather; }
};

/// A checked, immutable graph of recipes: threads and tasks share it and instantiate their own
/// nodes.
class Topology {
 public:
  const std::string& name() const { return name_; }
  const std::vector<NodeSpec>& nodes() const { return graph_.nodes_; }
  const std::vector<SubTopology>& sub_topologies() const { return sub_topologies_; }
  const RepartitionSpec& repartition(const std::string& name) const {
    return graph_.repartitions_.at(name);
  }
  int edge_count() const { return graph_.edge_count_; }
  /// The graph as text, one line a node.
  std::string describe() const;
  /// The graph as a Mermaid flowchart.
  std::string mermaid() const;
  /// Changes when names, sources, sinks, operators, windows or stores do, not with lateness or
  /// grace: guards state and group. 16 hex digits.
  const std::string& fingerprint() const { return fingerprint_; }

  /// Checks the graph. kInvalid says what is wrong and where. REQUIRES: called once by
  /// TopologyBuilder.
  static Result<Topology> make(std::string name, Graph graph);

 private:
  Topology(std::string name, Graph graph) : name_(std::move(name)), graph_(std::move(graph)) {}
  Status cut();
  std::string text(bool with_tuning) const;

  std::string name_;
  Graph graph_;
  std::vector<SubTopology> sub_topologies_;
  std::string fingerprint_;
};

}  // namespace millrace
