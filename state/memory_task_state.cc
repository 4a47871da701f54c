#include "millrace/state/memory_task_state.h"

#include <map>

#include "millrace/framework/check.h"
#include "millrace/state/map_local_table.h"
#include "millrace/state/overlaid_store.h"

namespace millrace {
namespace {

class MemoryTable final : public BaseTable {
 public:
  std::optional<std::string_view> get(std::string_view key) override {
    const auto found = map_.find(key);
    if (found == map_.end()) return std::nullopt;
    return found->second;
  }
  void get_many(
      std::span<const std::string_view> keys,
      const std::function<void(std::size_t, std::optional<std::string_view>)>& visit) override {
    for (std::size_t i = 0; i < keys.size(); ++i) visit(i, get(keys[i]));
  }
  bool may_contain(std::string_view key) override { return map_.contains(key); }
  void scan(std::string_view from, std::string_view to,
            const std::function<void(std::string_view, std::string_view)>& visit) override {
    for (auto at = map_.lower_bound(from);
         at != map_.end() && (to.data() == nullptr || at->first < to); ++at)
      visit(at->first, at->second);
  }

  void put(std::string_view key, std::string_view value) override {
    if (const auto found = map_.find(key); found != map_.end())
      found->second = value;
    else
      map_.emplace(key, value);
  }
  void erase(std::string_view key) override {
    if (const auto found = map_.find(key); found != map_.end()) map_.erase(found);
  }
  void erase_range(std::string_view from, std::string_view to) override {
    map_.erase(map_.lower_bound(from), map_.lower_bound(to));
  }
  void clear() { map_.clear(); }

 private:
  std::map<std::string, std::string, std::less<>> map_;
};

struct MemoryStore {
  MemoryTable table;
  OverlaidStore store{table};
  MapLocalTable::Map beside;
  MapLocalTable local{beside};
  std::int64_t position = 0;
};

class MemoryTaskState final : public TaskState {
 public:
  MemoryTaskState(const TaskStateOptions& options, MemoryBudget* budget)
      : names_(options.stores), budget_(budget) {
    for (const std::string& name : names_) stores_[name];
  }

  KeyValueStore& store(std::string_view name) override { return find(name).store; }
  LocalTable& local_table(std::string_view name) override { return find(name).local; }
  MemoryBudget* memory_budget() override { return budget_; }
  std::int64_t changelog_position(std::string_view store) const override {
    return const_cast<MemoryTaskState*>(this)->find(store).position;
  }
  Status restore(std::string_view store, std::span<const RecordView> records,
                 std::int64_t position) override {
    MemoryStore& target = find(store);
    for (const RecordView& record : records) {
      if (record.has_value())
        target.table.put(record.key, record.value);
      else
        target.table.erase(record.key);
    }
    target.position = position;
    return {};
  }
  Status restored(std::string_view store, std::int64_t position) override {
    find(store).position = position;
    return {};
  }
  Status reset(std::string_view store) override {
    MemoryStore& target = find(store);
    target.store.discard();
    target.table.clear();
    target.beside.clear();
    target.position = 0;
    return {};
  }
  Status prepare(ChangelogWriter& writer) override {
    for (const std::string& name : names_)
      MILLRACE_RETURN_IF_ERROR(find(name).store.prepare(name, writer));
    return {};
  }
  Status apply(std::span<const std::int64_t> positions) override {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      MemoryStore& target = find(names_[i]);
      target.store.write_out();
      target.store.discard();
      target.position = positions[i];
    }
    return {};
  }
  void discard() override {
    for (auto& [name, target] : stores_) target.store.discard();
  }
  bool changed() const override {
    for (const auto& [name, target] : stores_)
      if (target.store.changed()) return true;
    return false;
  }
  std::size_t pending_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& [name, target] : stores_) bytes += target.store.pending_bytes();
    return bytes;
  }

 private:
  MemoryStore& find(std::string_view name) {
    const auto found = stores_.find(name);
    MILLRACE_CHECK(found != stores_.end(), "a task knows its stores by name");
    return found->second;
  }

  std::vector<std::string> names_;
  MemoryBudget* const budget_;
  std::map<std::string, MemoryStore, std::less<>> stores_;
};

}  // namespace

Result<std::unique_ptr<TaskState>> memory_task_state(const TaskStateOptions& options) {
  return memory_task_state_within(options, nullptr);
}

Result<std::unique_ptr<TaskState>> memory_task_state_within(const TaskStateOptions& options,
                                                            MemoryBudget* budget) {
  return std::unique_ptr<TaskState>(std::make_unique<MemoryTaskState>(options, budget));
}

}  // namespace millrace
