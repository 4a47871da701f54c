#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/framework/edge.h"
#include "millrace/framework/node.h"

/// The untyped side of a topology: what TopologyBuilder fills and Topology keeps. Users need the
/// DSL, not this.
namespace millrace {

class StoreReader;
class TaskContext;
struct WindowPlan;  // operators/windows.h

/// A topic as the topology names it. Internal ones get the application id in front when it is
/// known.
struct TopicName {
  enum class Kind {
    kExternal,
    kRepartition,
    kGather,  ///< holds nothing: who owns its one partition has the task of a gather sub-topology
  };
  Kind kind = Kind::kExternal;
  std::string name;

  auto operator<=>(const TopicName&) const = default;
  /// "frames"; "<application-id>-users-repartition"; "<application-id>-sorted-gather".
  std::string resolve(const std::string& application_id) const;
};

/// What a stream has promised about time on its way; operators that need it read it when they are
/// piped.
struct StreamTraits {
  bool has_event_time = false;
  bool one_to_many = false;  ///< a record may have become several values
  bool behind_edge = false;  ///< has left the chain of its source: split, branch or merge
  bool behind_repartition = false;
  bool results_of_windows = false;  ///< they come when windows close: too late for other windows
  std::int64_t lateness_ms = 0;
  TopicName source;                           ///< of the sub-topology
  std::string windows_text;                   ///< the same for equal windows
  std::shared_ptr<const WindowPlan> windows;  ///< of a windowed stream; null before windows(...)
};

/// Instances of one node are made by its recipe: a fresh one for each task.
struct NodeSpec {
  std::string name;                    ///< "source frames", "users": unique
  std::vector<std::string> tuning;     ///< what may be changed over kept state: lateness, grace
  std::vector<std::string> operators;  ///< one line an operator, in order
  std::optional<TopicName> source;     ///< reads this topic
  std::vector<TopicName> sinks;        ///< writes these
  std::vector<int> inputs;             ///< inner edges that it reads
  std::vector<int> outputs;            ///< inner edges that it feeds
  std::vector<std::string> stores;
  /// Of the stores that it fills, by name, how people read them; see framework/store_reader.h.
  std::map<std::string, std::shared_ptr<const StoreReader>> readers;
  std::string gathers;  ///< not empty: one task has all partitions of the sources, by this name
  std::function<std::unique_ptr<Node>(TaskContext&)> recipe;  ///< of a node without a source
  std::function<std::unique_ptr<SourceNode>(TaskContext&)> source_recipe;  ///< of a node with one
};

/// An internal topic between two sub-topologies, with the store that keeps what its reader knows of
/// time.
struct RepartitionSpec {
  std::string name;
  std::int32_t partitions = 0;   ///< 0: as many as the writers' sub-topology has tasks
  bool relays_levels = false;    ///< its writers judge time themselves (design §7, stage 3)
  std::int64_t lateness_ms = 0;  ///< of the stream that is cut here
  bool gathered = false;         ///< each task writes its own partition, one task reads them all
};

/// The graph under construction.
class Graph {
 public:
  template <class T>
  EdgeId<T> new_edge() {
    return {edge_count_++};
  }
  /// Adds a node; nodes are added from sources to sinks.
  void add(NodeSpec node);
  void add(RepartitionSpec repartition);
  /// A stream that is not yet consumed; `where` says in an error which one it is.
  int open_end(std::string where);
  void close_end(int end) { open_ends_.erase(end); }
  /// Remembers the first mistake; build() returns it.
  void fail(std::string message);

 private:
  friend class Topology;
  int edge_count_ = 0;
  int end_count_ = 0;
  std::vector<NodeSpec> nodes_;
  std::map<std::string, RepartitionSpec> repartitions_;
  std::map<int, std::string> open_ends_;
  std::string error_;
};

}  // namespace millrace
