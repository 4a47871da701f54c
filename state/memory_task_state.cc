#include "millrace/state/memory_task_state.h"

#include <map>

#include "millrace/framework/check.h"
#include "millrace/state/commit_gate.h"
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

  using Map = std::map<std::string, std::string, std::less<>>;
  const Map& map() const { return map_; }

 private:
  Map map_;
};

class MemorySnapshot final : public StoreSnapshot {
 public:
  explicit MemorySnapshot(const MemoryTable::Map& map) : map_(map) {}

  std::optional<std::string_view> get(std::string_view key) override {
    const auto found = map_.find(key);
    if (found == map_.end()) return std::nullopt;
    return found->second;
  }
  void scan(std::string_view from, std::string_view to, Order order,
            const std::function<bool(std::string_view, std::string_view)>& visit) override {
    auto begin = map_.lower_bound(from);
    auto end = to.data() == nullptr ? map_.end() : map_.lower_bound(to);
    if (to.data() != nullptr && to <= from) return;
    while (begin != end) {
      const auto at = order == Order::kAscending ? begin++ : --end;
      if (!visit(at->first, at->second)) return;
    }
  }

 private:
  const MemoryTable::Map& map_;
};

/// The table is used only while the gate lets readers in.
class MemoryCommittedStore final : public CommittedStore {
 public:
  MemoryCommittedStore(std::shared_ptr<CommitGate> gate, const MemoryTable& table)
      : gate_(std::move(gate)), table_(table) {}

  Status read(const std::function<void(StoreSnapshot&)>& look) const override {
    return gate_->read([&] {
      MemorySnapshot snapshot(table_.map());
      look(snapshot);
    });
  }

 private:
  const std::shared_ptr<CommitGate> gate_;
  const MemoryTable& table_;
};

struct MemoryStore {
  explicit MemoryStore(MemoryBudget* remembered) : store(table, remembered) {}

  MemoryTable table;
  OverlaidStore store;
  MapLocalTable::Map beside;
  MapLocalTable local{beside};
  std::int64_t position = 0;
  std::shared_ptr<const CommittedStore> committed;
};

/// Tables change only inside the gate; the task's own thread reads them without it.
class MemoryTaskState final : public TaskState {
 public:
  MemoryTaskState(const TaskStateOptions& options, MemoryBudget* budget, MemoryBudget* remembered)
      : names_(options.stores), budget_(budget) {
    for (const std::string& name : names_) {
      MemoryStore& store = stores_.try_emplace(name, remembered).first->second;
      store.committed = std::make_shared<MemoryCommittedStore>(gate_, store.table);
    }
  }
  ~MemoryTaskState() override { gate_->close(); }

  KeyValueStore& store(std::string_view name) override { return find(name).store; }
  LocalTable& local_table(std::string_view name) override { return find(name).local; }
  std::shared_ptr<const CommittedStore> committed(std::string_view name) const override {
    return const_cast<MemoryTaskState*>(this)->find(name).committed;
  }
  MemoryBudget* memory_budget() override { return budget_; }
  std::int64_t changelog_position(std::string_view store) const override {
    return const_cast<MemoryTaskState*>(this)->find(store).position;
  }
  Status restore(std::string_view store, std::span<const RecordView> records,
                 std::int64_t position) override {
    MemoryStore& target = find(store);
    target.store.forget();
    gate_->change([&] {
      for (const RecordView& record : records) {
        if (record.has_value())
          target.table.put(record.key, record.value);
        else
          target.table.erase(record.key);
      }
    });
    target.position = position;
    return {};
  }
  Status restored(std::string_view store, std::int64_t position) override {
    find(store).position = position;
    return {};
  }
  Status reset(std::string_view store) override {
    MemoryStore& target = find(store);
    target.store.forget();
    gate_->change([&] { target.table.clear(); });
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
    if (changed())
      gate_->change([&] {
        for (auto& [name, target] : stores_) target.store.write_out();
      });
    for (auto& [name, target] : stores_) target.store.settle();
    for (std::size_t i = 0; i < names_.size(); ++i) find(names_[i]).position = positions[i];
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
  const std::shared_ptr<CommitGate> gate_ = std::make_shared<CommitGate>();
  std::map<std::string, MemoryStore, std::less<>> stores_;
};

}  // namespace

Result<std::unique_ptr<TaskState>> memory_task_state(const TaskStateOptions& options) {
  return memory_task_state_within(options, nullptr);
}

Result<std::unique_ptr<TaskState>> memory_task_state_within(const TaskStateOptions& options,
                                                            MemoryBudget* budget,
                                                            MemoryBudget* remembered) {
  return std::unique_ptr<TaskState>(std::make_unique<MemoryTaskState>(options, budget, remembered));
}

}  // namespace millrace
