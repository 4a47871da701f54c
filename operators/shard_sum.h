#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "millrace/operators/distinct_union.h"
#include "millrace/operators/window_delta_node.h"

namespace millrace {

/// Stage 3 of distinct_count with several shards: adds the shards' counts, or merges their sketches
/// (design §7).
///
/// Stored per window and shard: the shard's latest result.
class ShardSum final : public WindowDeltaNode {
 public:
  ShardSum(Options options, std::unique_ptr<WindowResults> results)
      : WindowDeltaNode(std::move(options)), results_(std::move(results)) {}

  void open(TaskContext& context) override;

 private:
  struct Parts final : Entry {
    std::map<std::int32_t, std::string> by_shard;  ///< encoded ShardResult
    std::set<std::int32_t> unsaved;
  };

  std::unique_ptr<Entry> make_entry(const AssignedWindow&) override {
    return std::make_unique<Parts>();
  }
  Status apply(std::string_view payload) override;
  void save(Entry& entry, std::string_view key, KeyValueStore& store) override;
  void load(Entry& entry, std::string_view key, KeyValueStore& store) override;
  void erase(Entry& entry, std::string_view key, KeyValueStore& store) override;
  std::size_t emit(const Entry& entry, bool final, bool exact) override;
  void end_emission() override { results_->end(); }

  std::unique_ptr<WindowResults> results_;
};

/// How people read the store of a ShardSum.
std::shared_ptr<const StoreReader> sum_reader(std::shared_ptr<const WindowPlan> plan);

}  // namespace millrace
