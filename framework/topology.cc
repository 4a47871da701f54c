#include "millrace/framework/topology.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace millrace {

std::string TopicName::resolve(const std::string& application_id) const {
  if (kind == Kind::kExternal) return name;
  return fmt::format("{}-{}-{}", application_id, name,
                     kind == Kind::kRepartition ? "repartition" : "gather");
}

void Graph::add(NodeSpec node) {
  if (std::ranges::any_of(nodes_, [&](const NodeSpec& other) { return other.name == node.name; }))
    fail(fmt::format("two nodes are named '{}': names must be unique", node.name));
  nodes_.push_back(std::move(node));
}

void Graph::add(RepartitionSpec repartition) {
  const std::string name = repartition.name;
  if (!repartitions_.emplace(name, std::move(repartition)).second)
    fail(fmt::format("two repartition topics are named '{}': names must be unique", name));
}

int Graph::open_end(std::string where) {
  open_ends_.emplace(end_count_, std::move(where));
  return end_count_++;
}

void Graph::fail(std::string message) {
  if (error_.empty()) error_ = std::move(message);
}

Result<Topology> Topology::make(std::string name, Graph graph) {
  if (!graph.error_.empty())
    return Status::invalid(fmt::format("topology '{}': {}", name, graph.error_));
  if (!graph.open_ends_.empty())
    return Status::invalid(fmt::format(
        "topology '{}': the stream after {} ends without a sink: pipe it to(...) a topic", name,
        graph.open_ends_.begin()->second));
  if (graph.nodes_.empty())
    return Status::invalid(fmt::format("topology '{}' has no source", name));
  Topology topology(std::move(name), std::move(graph));
  MILLRACE_RETURN_IF_ERROR(topology.cut());
  const std::string shape = topology.text(false);
  topology.fingerprint_ = fmt::format("{:016x}", XXH3_64bits(shape.data(), shape.size()));
  return topology;
}

Status Topology::cut() {
  const std::vector<NodeSpec>& all = nodes();
  std::vector<int> group(all.size());
  std::iota(group.begin(), group.end(), 0);
  const auto find = [&](int i) {
    while (group[static_cast<std::size_t>(i)] != i) i = group[static_cast<std::size_t>(i)];
    return i;
  };
  std::map<int, int> writer_of;
  for (int i = 0; i < static_cast<int>(all.size()); ++i) {
    for (const int edge : all[static_cast<std::size_t>(i)].outputs) writer_of[edge] = i;
    for (const int edge : all[static_cast<std::size_t>(i)].inputs) {
      const int a = find(writer_of.at(edge));
      const int b = find(i);
      group[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    }
  }
  std::map<int, SubTopology> parts;
  std::map<TopicName, std::string> readers;
  for (int i = 0; i < static_cast<int>(all.size()); ++i) {
    const NodeSpec& node = all[static_cast<std::size_t>(i)];
    SubTopology& part = parts[find(i)];
    part.nodes.push_back(i);
    if (node.source) {
      if (const auto [other, fresh] = readers.emplace(*node.source, node.name); !fresh)
        return Status::invalid(
            fmt::format("topology '{}': topic '{}' is read twice: read it once and fork the stream "
                        "with split<2>()",
                        name_, node.source->name));
      part.sources.push_back(*node.source);
    }
    part.sinks.insert(part.sinks.end(), node.sinks.begin(), node.sinks.end());
    part.stores.insert(part.stores.end(), node.stores.begin(), node.stores.end());
    if (!node.gathers.empty() && !part.gather)
      part.gather = TopicName{TopicName::Kind::kGather, node.gathers};
  }
  std::set<std::string> names;  // across sub-topologies too: each store has a topic of that name
  for (auto& [first, part] : parts) {
    MILLRACE_CHECK(!part.sources.empty(), "every stream begins at a source");
    const bool internal = part.reads_repartition();
    for (const TopicName& source : part.sources)
      if ((source.kind == TopicName::Kind::kRepartition) != internal ||
          (internal && part.sources.size() > 1 && !part.gather))
        return Status::invalid(
            fmt::format("topology '{}': '{}' and '{}' are merged, but a repartitioned stream can "
                        "only be merged behind the same cut: "
                        "merge before through(...)",
                        name_, part.sources.front().name, source.name));
    if (part.keeps_words()) part.stores.insert(part.stores.begin(), part.sources.front().name);
    for (const std::string& store : part.stores)
      if (!names.insert(store).second)
        return Status::invalid(
            fmt::format("topology '{}': two stores are named '{}'", name_, store));
    part.id = static_cast<int>(sub_topologies_.size());
    sub_topologies_.push_back(std::move(part));
  }
  return {};
}

std::string Topology::describe() const { return text(true); }

std::string Topology::text(bool with_tuning) const {
  std::string result = fmt::format("topology {}\n", name_);
  for (const SubTopology& part : sub_topologies_) {
    result += fmt::format("  sub-topology {}\n", part.id);
    for (const int index : part.nodes) {
      const NodeSpec& node = nodes()[static_cast<std::size_t>(index)];
      const auto topic = [](const TopicName& name) {
        return name.kind == TopicName::Kind::kExternal
                   ? fmt::format("topic {}", name.name)
                   : fmt::format("topic <application-id>-{}-repartition", name.name);
      };
      result += fmt::format("    {}", node.name);
      if (node.source) result += fmt::format("  reads {}", topic(*node.source));
      if (!node.inputs.empty())
        result += fmt::format("  reads edge {}", fmt::join(node.inputs, ", "));
      result += "\n";
      for (const std::string& operation : node.operators)
        result += fmt::format("      | {}\n", operation);
      if (with_tuning)
        for (const std::string& line : node.tuning) result += fmt::format("        {}\n", line);
      for (const std::string& store : node.stores) result += fmt::format("      store {}\n", store);
      for (const TopicName& sink : node.sinks)
        result += fmt::format("      writes {}\n", topic(sink));
      if (!node.outputs.empty())
        result += fmt::format("      writes edge {}\n", fmt::join(node.outputs, ", "));
    }
  }
  return result;
}

std::string Topology::mermaid() const {
  std::string text = "flowchart LR\n";
  std::map<TopicName, int> topics;
  const auto topic = [&](const TopicName& name) {
    const auto [found, fresh] = topics.emplace(name, static_cast<int>(topics.size()));
    if (fresh) text += fmt::format("  t{}[(\"{}\")]\n", found->second, name.name);
    return found->second;
  };
  std::map<int, int> writer_of;
  for (const SubTopology& part : sub_topologies_) {
    text += fmt::format("  subgraph s{}[\"sub-topology {}\"]\n", part.id, part.id);
    for (const int index : part.nodes) {
      const NodeSpec& node = nodes()[static_cast<std::size_t>(index)];
      text += fmt::format(
          "    n{}[\"{}\"]\n", index,
          fmt::join(node.operators.empty() ? std::vector{node.name} : node.operators, "<br/>"));
      for (const int edge : node.outputs) writer_of[edge] = index;
    }
    text += "  end\n";
  }
  for (int i = 0; i < static_cast<int>(nodes().size()); ++i) {
    const NodeSpec& node = nodes()[static_cast<std::size_t>(i)];
    if (node.source) text += fmt::format("  t{} --> n{}\n", topic(*node.source), i);
    for (const int edge : node.inputs)
      text += fmt::format("  n{} --> n{}\n", writer_of.at(edge), i);
    for (const TopicName& sink : node.sinks) text += fmt::format("  n{} --> t{}\n", i, topic(sink));
  }
  return text;
}

}  // namespace millrace
