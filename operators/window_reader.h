#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/store_reader.h"
#include "millrace/operators/window_board.h"

namespace millrace {

/// Reads a store of windows in which something is counted: those of distinct_count. Thread-safe.
class WindowReader : public StoreReader {
 public:
  /// `sharded`: the task counts a part of the users, and its entries say which.
  WindowReader(std::shared_ptr<const WindowPlan> plan, bool sharded)
      : plan_(std::move(plan)), sharded_(sharded) {}

  std::string_view kind() const override { return "windows"; }
  /// Windows are in every task.
  Result<std::optional<std::string>> partition_key(std::string_view key) const override;
  Status answer(const StoreQuestion& question, std::int32_t partition, StoreSnapshot& snapshot,
                StoreAnswer& answer) const override;
  /// Of each definition the latest windows, at most so many. `final`: emitted so and not changed
  /// since; `revision`: of that result, or of the one to come. Without sketches.
  std::vector<WindowStats> windows(StoreSnapshot& snapshot, std::size_t limit) const;

 protected:
  struct Counts {
    std::uint64_t users = 0;
    std::uint64_t frames = 0;
  };
  const WindowPlan& plan() const { return *plan_; }
  /// What is counted in a window. `key`: the window's; `head`: what WindowBoard::append_head() put
  /// there.
  virtual Counts count(const WindowBoard::Stored& stored, std::string_view key,
                       std::string_view head, StoreSnapshot& snapshot) const = 0;

 private:
  Result<AssignedWindow> window_named(std::string_view key) const;
  WindowStats stats(const AssignedWindow& window, std::string_view key, std::string_view value,
                    StoreSnapshot& snapshot) const;
  StoreEntry entry(const WindowStats& stats, std::int32_t partition) const;

  const std::shared_ptr<const WindowPlan> plan_;
  const bool sharded_;
};

}  // namespace millrace
