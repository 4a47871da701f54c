#include "millrace/operators/stored_windows.h"

#include <algorithm>
#include <tuple>

#include "millrace/framework/task_state.h"
#include "millrace/operators/distinct_delta_format.h"

namespace millrace {
namespace {

// Years 1 to 9999: what a window can be asked for by people.
constexpr std::int64_t kFirstMs = -62'135'596'800'000;
constexpr std::int64_t kLastMs = 253'402'300'799'999;

}  // namespace

void each_stored_window(
    StoreSnapshot& snapshot, const WindowPlan& plan, char prefix,
    const std::function<bool(const AssignedWindow&, std::string_view, std::string_view)>& visit) {
  for (int i = 0; i < static_cast<int>(plan.definitions.size()); ++i) {
    std::string from(1, prefix);
    append_window_key(plan, {i, {}}, from);
    from.resize(from.size() - sizeof(std::int64_t));  // of any start
    snapshot.scan(from, end_of_prefix(from), StoreSnapshot::Order::kDescending,
                  [&](std::string_view key, std::string_view value) {
                    key.remove_prefix(1);
                    const auto window = decode_window_key(plan, key.substr(0, kWindowKeyBytes));
                    return !window.ok() || visit(*window, key, value);
                  });
  }
}

std::vector<AssignedWindow> windows_starting_at(const WindowPlan& plan, std::int64_t start_ms) {
  std::vector<AssignedWindow> found;
  if (start_ms < kFirstMs || start_ms > kLastMs) return found;
  for (int i = 0; i < static_cast<int>(plan.definitions.size()); ++i) {
    const Window window = plan.definitions[static_cast<std::size_t>(i)].window_of(start_ms);
    if (window.start_ms == start_ms) found.push_back({i, window});
  }
  return found;
}

void finish_answer(std::size_t limit, StoreAnswer& answer) {
  std::ranges::stable_sort(answer.entries, [](const StoreEntry& a, const StoreEntry& b) {
    return std::tuple(-a.start_ms, a.end_ms) < std::tuple(-b.start_ms, b.end_ms);
  });
  if (answer.entries.size() <= limit) return;
  answer.entries.resize(limit);
  answer.more = true;
}

}  // namespace millrace
