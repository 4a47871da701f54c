#include "millrace/operators/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "millrace/operators/window_reader.h"

namespace millrace::query_detail {

Status Lookup::each_task(const StoreView& view, std::string_view record_key,
                         const std::function<bool(StoreSnapshot&)>& look) const {
  const bool all = record_key.data() == nullptr;
  const auto owner = all ? std::nullopt : view.owner_of(record_key);
  Status later;
  for (const StoreTask& task : view.here) {
    if (owner && task.id != *owner) continue;
    bool enough = false;
    Status read = Status::retry(
        fmt::format("store '{}': task {} is being restored: ask again", store_, task.id.text()));
    if (task.committed)
      read = task.committed->read([&](StoreSnapshot& snapshot) { enough = look(snapshot); });
    if (!read.ok() && read.code() != StatusCode::kRetry) return read;
    if (read.ok() && enough) return {};
    if (!read.ok()) later = read;
  }
  if (!later.ok() || all) return later;
  std::vector<TaskId> others;
  for (const TaskId& task : view.elsewhere)
    if (!owner || task == *owner) others.push_back(task);
  return others.empty() ? Status{} : elsewhere(others);
}

Status Lookup::elsewhere(const std::vector<TaskId>& tasks) const {
  const auto owners = source_.owners();
  std::string who;
  for (const TaskId& task : tasks) {
    const auto owner = owners.find(task);
    who += fmt::format("{}task {} ", who.empty() ? "" : ", ", task.text());
    who += owner == owners.end() ? "of an instance that does not say who it is"
                                 : fmt::format("of instance '{}' at {}", owner->second.instance,
                                               owner->second.address);
  }
  return Status::elsewhere(
      fmt::format("store '{}': the key is not here, ask for it there: {}", store_, who));
}

Result<TaskOwner> Lookup::owner(std::string_view record_key) const {
  const auto found = view();
  if (!found.ok()) return found.status();
  const auto task = found->owner_of(record_key);
  if (!task)
    return Status::invalid(fmt::format(
        "store '{}' is not dealt out by its operator's keys: any task may have this one", store_));
  const auto owners = source_.owners();
  const auto owner = owners.find(*task);
  return owner == owners.end() ? TaskOwner{} : owner->second;
}

Result<std::vector<WindowStats>> Lookup::windows(std::size_t limit) const {
  const auto found = view();
  if (!found.ok()) return found.status();
  const auto* const reader = dynamic_cast<const WindowReader*>(found->reader.get());
  if (reader == nullptr)
    return Status::invalid(
        fmt::format("store '{}' is no distinct_count's: query<K, V>(...) reads it", store_));
  std::vector<WindowStats> all;
  MILLRACE_RETURN_IF_ERROR(each_task(*found, {}, [&](StoreSnapshot& snapshot) {
    std::ranges::move(reader->windows(snapshot, limit), std::back_inserter(all));
    return false;
  }));
  std::ranges::stable_sort(all, {}, [](const WindowStats& stats) {
    return std::pair(-stats.window.start_ms, stats.window.end_ms);
  });
  if (all.size() > limit) all.erase(all.begin() + static_cast<std::ptrdiff_t>(limit), all.end());
  return all;
}

Status Lookup::wrong_type() const {
  return Status::invalid(fmt::format(
      "store '{}' does not keep values of this type by keys of this type: name those of its "
      "operator's results in query<K, V>(...)",
      store_));
}

Status Lookup::wrong_windows(bool windowed) const {
  return Status::invalid(
      windowed ? fmt::format("store '{}' is per key and window: get(key, window)", store_)
               : fmt::format("store '{}' has no windows: get(key)", store_));
}

Status Lookup::damaged() const {
  return Status::failed(fmt::format(
      "store '{}' holds bytes that are not of the type asked for: the type's fields have changed",
      store_));
}

}  // namespace millrace::query_detail
