#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/committed_store.h"
#include "millrace/framework/store_reader.h"
#include "millrace/operators/windows.h"

/// What readers of stores with windows share.
namespace millrace {

/// Visits what is stored as `prefix`, window, and whatever follows: of each definition the latest
/// windows first, until `visit` returns false, which ends that definition. `key`: behind `prefix`.
void each_stored_window(StoreSnapshot& snapshot, const WindowPlan& plan, char prefix,
                        const std::function<bool(const AssignedWindow& window, std::string_view key,
                                                 std::string_view value)>& visit);

/// The plan's windows that begin then.
std::vector<AssignedWindow> windows_starting_at(const WindowPlan& plan, std::int64_t start_ms);

/// Puts the entries into the order in which people see them, and cuts them off: windows that start
/// later first, of the same start the shorter ones.
void finish_answer(std::size_t limit, StoreAnswer& answer);

/// Stops who has enough: counts entries and bytes.
class AnswerLimit {
 public:
  explicit AnswerLimit(std::size_t entries) : entries_(entries) {}
  /// Takes an entry; false: it is the last one.
  bool take(std::string_view json) {
    bytes_ += json.size();
    return ++taken_ <= entries_ && bytes_ < kBytes;
  }

  static constexpr std::size_t kBytes = std::size_t{1} << 20;

 private:
  const std::size_t entries_;
  std::size_t taken_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace millrace
