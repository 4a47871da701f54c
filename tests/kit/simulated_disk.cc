#include "millrace/tests/kit/simulated_disk.h"

#include <memory>
#include <optional>
#include <vector>

#include "millrace/framework/check.h"
#include "millrace/state/map_local_table.h"
#include "millrace/state/memory_task_state.h"

namespace millrace {

/// State in memory that writes through to the disk's images.
class SimulatedDisk::State final : public TaskState {
 public:
  State(SimulatedDisk& disk, const TaskStateOptions& options, std::unique_ptr<TaskState> inner)
      : disk_(disk),
        task_(options.task),
        stores_(options.stores),
        life_(options.life),
        inner_(std::move(inner)),
        opened_ms_(now_ms()) {
    images().open = true;
  }
  ~State() override { images().open = false; }

  /// Reads what is on the disk, where it can be used.
  Status load() {
    for (const std::string& store : stores_) {
      Image& image = images().stores[store];
      if (too_old(image.knows_until_ms, opened_ms_) || image.life != life_) image = {};
      image.life = life_;
      std::vector<RecordView> records;
      for (const auto& [key, value] : image.values) {
        RecordView& record = records.emplace_back();
        record.key = key;
        record.value = value;
      }
      MILLRACE_RETURN_IF_ERROR(inner_->restore(store, records, image.position));
    }
    return {};
  }

  KeyValueStore& store(std::string_view name) override { return inner_->store(name); }
  std::shared_ptr<const CommittedStore> committed(std::string_view name) const override {
    return inner_->committed(name);
  }
  LocalTable& local_table(std::string_view name) override {
    const auto found = local_.find(name);
    if (found != local_.end()) return found->second;
    Image& image = images().stores.at(std::string(name));
    return local_.try_emplace(std::string(name), image.beside).first->second;
  }
  MemoryBudget* memory_budget() override { return disk_.budget_ ? &*disk_.budget_ : nullptr; }
  std::int64_t changelog_position(std::string_view store) const override {
    return inner_->changelog_position(store);
  }
  Status restore(std::string_view store, std::span<const RecordView> records,
                 std::int64_t position) override {
    Image& image = images().stores.at(std::string(store));
    if (image.position == 0) image.knows_until_ms = opened_ms_;
    for (const RecordView& record : records) set(image, record.key, record.value);
    image.position = position;
    return inner_->restore(store, records, position);
  }
  Status restored(std::string_view store, std::int64_t position) override {
    if (too_old(opened_ms_, now_ms())) return reset(store);
    Image& image = images().stores.at(std::string(store));
    image.position = position;
    image.knows_until_ms = opened_ms_;
    tell(std::string(store), image);
    return inner_->restored(store, position);
  }
  Status reset(std::string_view store) override {
    images().stores.at(std::string(store)) = {};
    images().stores.at(std::string(store)).life = life_;
    return inner_->reset(store);
  }

  Status prepare(ChangelogWriter& writer) override {
    prepared_.clear();
    prepared_ms_ = now_ms();
    Tee tee(writer, prepared_);
    return inner_->prepare(tee);
  }
  Status apply(std::span<const std::int64_t> positions) override {
    if (disk_.options_.before_write) disk_.options_.before_write();
    MILLRACE_RETURN_IF_ERROR(inner_->apply(positions));
    for (const Change& change : prepared_)
      set(images().stores.at(change.store), change.key,
          change.value ? std::string_view(*change.value) : std::string_view());
    prepared_.clear();
    for (std::size_t i = 0; i < stores_.size(); ++i) {
      Image& image = images().stores.at(stores_[i]);
      image.position = positions[i];
      image.knows_until_ms = prepared_ms_;
      tell(stores_[i], image);
    }
    return {};
  }
  void discard() override {
    prepared_.clear();
    inner_->discard();
  }
  bool changed() const override { return inner_->changed(); }
  std::size_t pending_bytes() const override { return inner_->pending_bytes(); }

 private:
  struct Change {
    std::string store;
    std::string key;
    std::optional<std::string> value;
  };

  /// Notes what goes into the changelog.
  class Tee final : public ChangelogWriter {
   public:
    Tee(ChangelogWriter& writer, std::vector<Change>& changes)
        : writer_(writer), changes_(changes) {}
    Status write(std::string_view store, std::string_view key, std::string_view value) override {
      Change& change = changes_.emplace_back(Change{std::string(store), std::string(key), {}});
      if (value.data() != nullptr) change.value = value;
      return writer_.write(store, key, value);
    }

   private:
    ChangelogWriter& writer_;
    std::vector<Change>& changes_;
  };

  bool too_old(std::int64_t knows_until_ms, std::int64_t now_ms) const {
    const auto usable_ms = disk_.options_.usable_for.count();
    return usable_ms >= 0 && now_ms - knows_until_ms > usable_ms;
  }
  std::int64_t now_ms() const { return disk_.options_.clock.wall_ms(); }
  TaskImages& images() { return disk_.tasks_[task_]; }
  void tell(const std::string& store, const Image& image) const {
    if (disk_.options_.written) disk_.options_.written(store, task_, image);
  }
  static void set(Image& image, std::string_view key, std::string_view value) {
    if (value.data() != nullptr)
      image.values.insert_or_assign(std::string(key), std::string(value));
    else if (const auto found = image.values.find(key); found != image.values.end())
      image.values.erase(found);
  }

  SimulatedDisk& disk_;
  std::string task_;
  std::vector<std::string> stores_;
  std::uint64_t life_;
  std::unique_ptr<TaskState> inner_;
  std::map<std::string, MapLocalTable, std::less<>> local_;
  std::int64_t opened_ms_;
  std::int64_t prepared_ms_ = 0;
  std::vector<Change> prepared_;
};

TaskStateFactory SimulatedDisk::factory() {
  return [this](const TaskStateOptions& options) -> Result<std::unique_ptr<TaskState>> {
    if (tasks_[options.task].open)
      return Status::retry("another thread still has the state of task " + options.task + " open");
    auto inner = memory_task_state_within(options, nullptr, &remembered_);
    if (!inner.ok()) return inner;
    auto state = std::make_unique<State>(*this, options, std::move(*inner));
    MILLRACE_RETURN_IF_ERROR(state->load());
    return std::unique_ptr<TaskState>(std::move(state));
  };
}

void SimulatedDisk::put_copy_back() {
  tasks_ = copy_;
  for (auto& [task, images] : tasks_) images.open = false;
}

}  // namespace millrace
