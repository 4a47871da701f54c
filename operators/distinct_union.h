#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/store_reader.h"
#include "millrace/operators/distinct_delta_format.h"
#include "millrace/operators/distinct_sets.h"
#include "millrace/operators/ultraloglog.h"
#include "millrace/operators/window_delta_node.h"

namespace millrace {

/// Where a window's results go.
class WindowResults {
 public:
  virtual ~WindowResults() = default;
  struct Counts {
    std::uint64_t users = 0;
    std::uint64_t frames = 0;
    std::uint32_t revision = 0;
    bool final = true;
    bool exact = true;                    ///< no idle or ended source was passed over
    const UltraLogLog* sketch = nullptr;  ///< of a sketch; borrowed
  };
  virtual void open(TaskContext& context) = 0;
  virtual void write(const AssignedWindow& window, const Counts& counts) = 0;
  virtual void end() = 0;
};

/// Stage 2 of distinct_count, one task a shard: the union of what stage 1 tells, per window, rolled
/// up into larger windows (design §7).
///
/// Stored per window: the meta record, which has the head of an exact set; exact: fingerprints in
/// levels of packed records, 64 of one level becoming one of the next, so that live changelog
/// records grow with a window's size and not with its age; sketch: the sketch. Exact sets that do
/// not fit into memory are looked up on disk (DistinctSet).
class DistinctUnion final : public WindowDeltaNode {
 public:
  DistinctUnion(Options options, std::unique_ptr<WindowResults> results)
      : WindowDeltaNode(std::move(options)), results_(std::move(results)) {}

  ~DistinctUnion() override { drop_all(); }  // before what its sets share

  void open(TaskContext& context) override;
  std::size_t process(std::span<const RecordView> records, Arena& arena,
                      SourcePartition& source) override;
  void committed() override;

 private:
  struct Users final : Entry {
    Users(DistinctSets& sets, std::string key) : set(sets, std::move(key)) {}
    DistinctSet set;  ///< empty where there is a sketch
    std::unique_ptr<UltraLogLog> sketch;
    bool sketch_grown = false;  ///< since it was written
  };

  std::unique_ptr<Entry> make_entry(const AssignedWindow& window) override;
  Status apply(std::string_view payload) override;
  void save(Entry& entry, std::string_view key, KeyValueStore& store) override;
  void load(Entry& entry, std::string_view key, KeyValueStore& store) override;
  void erase(Entry& entry, std::string_view key, KeyValueStore& store) override;
  void append_head(const Entry& entry, std::string& out) const override;
  void read_head(Entry& entry, std::string_view rest) override;
  std::size_t emit(const Entry& entry, bool final, bool exact) override;
  void end_emission() override { results_->end(); }

  Users* users(const AssignedWindow& window) { return static_cast<Users*>(find(window)); }
  void unite(const AssignedWindow& window, std::size_t depth);
  void unite_sketch(const AssignedWindow& window, std::string_view registers);
  template <class Visit>
  void each_child(const AssignedWindow& window, Visit visit) const;

  std::unique_ptr<WindowResults> results_;
  DistinctSets sets_;
  std::vector<std::vector<Fingerprint>>
      news_;  ///< by depth of the roll-up: what the next larger window must look at
};

/// How people read the store of a DistinctUnion, of one of several shards if `sharded`.
std::shared_ptr<const StoreReader> union_reader(std::shared_ptr<const WindowPlan> plan,
                                                DistinctMethod method, bool sharded);

/// Results as WindowStats through an inner edge: for a single shard.
std::unique_ptr<WindowResults> results_to_edge(std::shared_ptr<const WindowPlan> plan,
                                               DistinctMethod method, EdgeId<WindowStats> edge);
/// Results of one of several shards, to the topic of stage 3.
std::unique_ptr<WindowResults> results_to_topic(std::shared_ptr<const WindowPlan> plan,
                                                TopicName topic);

}  // namespace millrace
