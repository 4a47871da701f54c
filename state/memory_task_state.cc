#include "millrace/state/memory_task_state.h"

#include <map>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

class MemoryStore final : public KeyValueStore {
 public:
  std::optional<std::string_view> get(std::string_view key) override {
    if (const auto found = overlay_.find(key); found != overlay_.end()) {
      if (!found->second) return std::nullopt;
      return *found->second;
    }
    if (const auto found = base_.find(key); found != base_.end()) return found->second;
    return std::nullopt;
  }

  void put(std::string_view key, std::string_view value) override {
    overlay_.insert_or_assign(std::string(key), std::string(value));
  }

  void erase(std::string_view key) override {
    overlay_.insert_or_assign(std::string(key), std::nullopt);
  }

  void erase_range(std::string_view from, std::string_view to) override {
    for (auto at = base_.lower_bound(from); at != base_.end() && at->first < to; ++at)
      overlay_.insert_or_assign(at->first, std::nullopt);
    for (auto at = overlay_.lower_bound(from); at != overlay_.end() && at->first < to; ++at)
      at->second = std::nullopt;
  }

  void get_many(
      std::span<const std::string_view> keys,
      const std::function<void(std::size_t, std::optional<std::string_view>)>& visit) override {
    for (std::size_t i = 0; i < keys.size(); ++i) visit(i, get(keys[i]));
  }

  void scan(std::string_view prefix,
            const std::function<void(std::string_view, std::string_view)>& visit) override {
    auto base = base_.lower_bound(prefix);
    auto changed = overlay_.lower_bound(prefix);
    const auto inside = [&](const auto& at, const auto& map) {
      return at != map.end() && at->first.starts_with(prefix);
    };
    while (true) {
      const bool has_base = inside(base, base_);
      const bool has_changed = inside(changed, overlay_);
      if (!has_base && !has_changed) return;
      if (has_changed && (!has_base || changed->first <= base->first)) {
        if (has_base && changed->first == base->first) ++base;  // shadowed
        if (changed->second) visit(changed->first, *changed->second);
        ++changed;
      } else {
        visit(base->first, base->second);
        ++base;
      }
    }
  }

  Status prepare(std::string_view name, ChangelogWriter& writer) const {
    for (const auto& [key, value] : overlay_) {
      if (!value && !base_.contains(key)) continue;  // born and gone between two commits
      MILLRACE_RETURN_IF_ERROR(
          writer.write(name, key, value ? std::string_view(*value) : std::string_view()));
    }
    return {};
  }

  void apply() {
    for (auto& [key, value] : overlay_) set(key, std::move(value));
    overlay_.clear();
  }

  void restore(std::string_view key, std::string_view value) {
    set(std::string(key),
        value.data() != nullptr ? std::optional(std::string(value)) : std::nullopt);
  }

  void discard() { overlay_.clear(); }
  bool changed() const { return !overlay_.empty(); }

  std::int64_t position = 0;

 private:
  void set(const std::string& key, std::optional<std::string> value) {
    if (value)
      base_.insert_or_assign(key, std::move(*value));
    else
      base_.erase(key);
  }

  std::map<std::string, std::string, std::less<>> base_;
  std::map<std::string, std::optional<std::string>, std::less<>> overlay_;
};

class MemoryTaskState final : public TaskState {
 public:
  explicit MemoryTaskState(const TaskStateOptions& options) : names_(options.stores) {
    for (const std::string& name : names_) stores_[name];
  }

  KeyValueStore& store(std::string_view name) override { return find(name); }
  std::int64_t changelog_position(std::string_view store) const override {
    return const_cast<MemoryTaskState*>(this)->find(store).position;
  }
  Status restore(std::string_view store, std::span<const RecordView> records,
                 std::int64_t position) override {
    MemoryStore& target = find(store);
    for (const RecordView& record : records) target.restore(record.key, record.value);
    target.position = position;
    return {};
  }
  Status restored(std::string_view store, std::int64_t position) override {
    find(store).position = position;
    return {};
  }
  Status prepare(ChangelogWriter& writer) override {
    for (const auto& [name, store] : stores_) MILLRACE_RETURN_IF_ERROR(store.prepare(name, writer));
    return {};
  }
  Status apply(std::span<const std::int64_t> positions) override {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      MemoryStore& store = find(names_[i]);
      store.apply();
      store.position = positions[i];
    }
    return {};
  }
  void discard() override {
    for (auto& [name, store] : stores_) store.discard();
  }
  bool changed() const override {
    for (const auto& [name, store] : stores_)
      if (store.changed()) return true;
    return false;
  }

 private:
  MemoryStore& find(std::string_view name) {
    const auto found = stores_.find(name);
    MILLRACE_CHECK(found != stores_.end(), "a task knows its stores by name");
    return found->second;
  }

  std::vector<std::string> names_;
  std::map<std::string, MemoryStore, std::less<>> stores_;
};

}  // namespace

Result<std::unique_ptr<TaskState>> memory_task_state(const TaskStateOptions& options) {
  return std::unique_ptr<TaskState>(std::make_unique<MemoryTaskState>(options));
}

}  // namespace millrace
