#include "millrace/framework/store_view.h"

#include <fmt/format.h>

#include "millrace/framework/partitioner.h"

namespace millrace {
namespace {

Status no_such_store(const Topology& topology, std::string_view name) {
  std::string names;
  for (const NodeSpec& node : topology.nodes())
    for (const auto& [store, reader] : node.readers)
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", store);
  if (names.empty())
    return Status::not_found(
        fmt::format("there is no store '{}': topology '{}' keeps none", name, topology.name()));
  return Status::not_found(
      fmt::format("there is no store '{}': topology '{}' has {}", name, topology.name(), names));
}

}  // namespace

Result<std::optional<TaskId>> StoreView::owner(std::string_view key_text) const {
  const auto key = reader->partition_key(key_text);
  if (!key.ok()) return key.status();
  return *key ? owner_of(**key) : std::nullopt;
}

std::optional<TaskId> StoreView::owner_of(std::string_view record_key) const {
  if (!by_key && tasks > 1) return std::nullopt;
  return TaskId{sub_topology, partition_for_key(record_key, tasks)};
}

Result<StoreView> view_store(const Topology& topology, const std::string& application_id,
                             const Deployment& deployment,
                             std::span<const std::shared_ptr<const ThreadStatus>> threads,
                             std::string_view name) {
  StoreView view;
  view.name = name;
  for (const SubTopology& part : topology.sub_topologies())
    for (const int index : part.nodes) {
      const auto& readers = topology.nodes()[static_cast<std::size_t>(index)].readers;
      const auto found = readers.find(view.name);
      if (found == readers.end()) continue;
      view.reader = found->second;
      view.sub_topology = part.id;
      view.by_key = part.reads_repartition();
      view.tasks = deployment.partitions.at(part.lead().resolve(application_id));
    }
  if (!view.reader) return no_such_store(topology, name);
  for (std::int32_t partition = 0; partition < view.tasks; ++partition) {
    const TaskId id{view.sub_topology, partition};
    bool mine = false;
    StoreTask task{id, nullptr};
    for (const auto& thread : threads)  // one that moves may be seen twice
      for (const TaskStatus& status : thread->tasks) {
        if (status.id != id) continue;
        mine = true;
        if (const auto store = status.committed.find(name); store != status.committed.end())
          task.committed = store->second;
      }
    if (mine)
      view.here.push_back(std::move(task));
    else
      view.elsewhere.push_back(id);
  }
  return view;
}

}  // namespace millrace
