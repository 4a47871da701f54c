#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/task_state.h"
#include "millrace/state/base_table.h"
#include "millrace/state/overlay.h"

namespace millrace {

/// A key-value store as operators see it: an Overlay in front of a BaseTable, which it borrows. One
/// thread. Gets allocate nothing by themselves.
class OverlaidStore final : public KeyValueStore {
 public:
  explicit OverlaidStore(BaseTable& base) : base_(base) {}

  std::optional<std::string_view> get(std::string_view key) override;
  void put(std::string_view key, std::string_view value) override { overlay_.put(key, value); }
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
  /// Hands the overlay to the table; it stays until discard().
  void write_out();
  void discard() { overlay_.clear(); }
  bool changed() const { return !overlay_.empty(); }
  std::size_t pending_bytes() const { return overlay_.bytes(); }

 private:
  BaseTable& base_;
  Overlay overlay_;
  std::vector<std::string_view> missing_;  // of get_many(): what the overlay does not have
  std::vector<std::size_t> missing_index_;
};

}  // namespace millrace
