#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/memory_budget.h"
#include "millrace/framework/task_state.h"
#include "millrace/state/base_table.h"
#include "millrace/state/overlay.h"

namespace millrace {

/// A key-value store as operators see it: an Overlay in front of a BaseTable, which it borrows. One
/// thread. Gets allocate nothing by themselves.
///
/// Where keys are small and looked up before they change, as those of aggregates, they are likely
/// to be looked up again: their values are remembered behind the commit, within the budget.
class OverlaidStore final : public KeyValueStore {
 public:
  /// `remembered` is for values behind their commit, and borrowed; null: there are none.
  OverlaidStore(BaseTable& base, MemoryBudget* remembered)
      : base_(base),
        remembers_(remembered != nullptr),
        remembered_(remembered, MemoryUse::kRepeated) {}

  std::optional<std::string_view> get(std::string_view key) override;
  void put(std::string_view key, std::string_view value) override { overlay_.put(key, value); }
  void put_many(std::span<const std::string_view> keys,
                std::span<const std::string_view> values) override;
  void erase(std::string_view key) override { overlay_.erase(key); }
  void erase_range(std::string_view from, std::string_view to) override {
    if (from < to) overlay_.erase_range(from, to);
  }
  void get_many(
      std::span<const std::string_view> keys,
      const std::function<void(std::size_t, std::optional<std::string_view>)>& visit) override;
  void scan(std::string_view prefix,
            const std::function<void(std::string_view, std::string_view)>& visit) override;

  /// Writes the overlay to the changelog: one record for each put key; tombstones for erased keys,
  /// and for the keys that erased ranges hold in the table, which are looked up for that.
  Status prepare(std::string_view name, ChangelogWriter& writer);
  /// Hands the changes to the table; they stay until settle().
  void write_out();
  /// The table has them.
  void settle();
  /// Back to what the table has.
  void discard();
  /// The same, where the table has changed by itself.
  void forget();
  bool changed() const { return !overlay_.empty(); }
  std::size_t pending_bytes() const { return overlay_.changed_bytes(); }

 private:
  static constexpr std::size_t kMostRemembered = 512;  ///< bytes of a key and its value, on average

  BaseTable& base_;
  Overlay overlay_;
  const bool remembers_;
  MemoryBudget::Share remembered_;
  std::size_t looked_up_ = 0;              ///< keys, since the last commit
  std::vector<std::string_view> missing_;  // of get_many(): what the overlay does not have
  std::vector<std::size_t> missing_index_;
};

}  // namespace millrace
