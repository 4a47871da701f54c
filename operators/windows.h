#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/graph.h"
#include "millrace/framework/record_info.h"
#include "millrace/framework/run_counters.h"
#include "millrace/framework/task_context.h"
#include "millrace/operators/window_definition.h"

namespace millrace {

/// The windows of a stream and how they nest. Immutable.
struct WindowPlan {
  std::vector<WindowDefinition> definitions;
  std::int64_t grace_ms = 0;
  /// By definition: the longest other one that divides it, or -1. A window is rolled up from those
  /// of its parent.
  std::vector<int> parent;
  /// By definition: those whose parent it is.
  std::vector<std::vector<int>> children;

  static WindowPlan make(std::vector<WindowDefinition> definitions, std::int64_t grace_ms);
  std::string describe() const;  ///< "60, 600, day"
};

/// One window of one of the plan's definitions.
struct AssignedWindow {
  int definition = 0;
  Window window;
};

/// The windows that are open to a stretch of event time, for partitions whose watermark lies in a
/// stretch of its own. Lives until the commit.
struct WindowAssignment {
  std::vector<AssignedWindow> open;
  std::vector<int> late;  ///< definitions whose window is closed

  std::int64_t from_ms = 0;  ///< event times [from, until)
  std::int64_t until_ms = 0;
  std::int64_t watermark_from_ms = 0;  ///< own watermarks [from, until)
  std::int64_t watermark_until_ms = 0;

  bool fits(std::int64_t event_ms, std::int64_t watermark_ms) const {
    return event_ms >= from_ms && event_ms < until_ms && watermark_ms >= watermark_from_ms &&
           watermark_ms < watermark_until_ms;
  }
};

/// A value with the windows that it counts in; at least one.
template <class T>
struct Windowed {
  T value;
  const WindowAssignment* assignment = nullptr;
};

template <class T>
inline constexpr bool is_windowed = false;
template <class T>
inline constexpr bool is_windowed<Windowed<T>> = true;

/// Finds the windows of event times, remembering stretches: neighbours in time share one
/// assignment. One thread.
class WindowAssigner {
 public:
  explicit WindowAssigner(std::shared_ptr<const WindowPlan> plan) : plan_(std::move(plan)) {}
  /// A copy starts without assignments.
  WindowAssigner(const WindowAssigner& other) : plan_(other.plan_) {}
  WindowAssigner(WindowAssigner&&) = default;

  const WindowAssignment& assign(std::int64_t event_ms, std::int64_t watermark_ms) {
    if (current_ != nullptr && current_->fits(event_ms, watermark_ms)) [[likely]]
      return *current_;
    return find(event_ms, watermark_ms);
  }
  /// Forgets all assignments given out.
  void forget() {
    current_ = nullptr;
    made_.clear();
  }
  const WindowPlan& plan() const { return *plan_; }

 private:
  const WindowAssignment& find(std::int64_t event_ms, std::int64_t watermark_ms);

  std::shared_ptr<const WindowPlan> plan_;
  std::vector<std::unique_ptr<WindowAssignment>> made_;  ///< the latest at the end
  const WindowAssignment* current_ = nullptr;
};

/// Tells which windows each value counts in, and counts what is late.
///
/// Behind event_time. A value is late for a window iff the window's end plus the grace is not above
/// the watermark of its own partition: that depends on the input alone (design §5.2). A value that
/// is late for all windows is counted and goes no further. Keeps nothing over a restart; the counts
/// are committed with the offsets.
///
///     stream | event_time(&Frame::ts) | windows({tumbling(1min), tumbling(10min), calendar_day()})
class Windows {
 public:
  static constexpr std::string_view kName = "windows";
  template <class T>
  struct Output {
    using type = Windowed<T>;
  };

  Windows(std::vector<WindowDefinition> definitions, std::chrono::milliseconds grace);

  std::string describe() const;
  std::string tuning() const;
  void annotate(StreamTraits& traits, Graph& graph) const;
  void open(TaskContext& context);

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    const WindowAssignment& assignment = assigner_.assign(info.event_time_ms, info.watermark_ms);
    for (const int definition : assignment.late)
      ++counters_->late_by_window[static_cast<std::size_t>(definition)];
    if (assignment.open.empty()) [[unlikely]] {
      ++counters_->late;
      return;
    }
    ++counters_->accepted;
    next(Windowed<std::remove_cvref_t<T>>{std::forward<T>(value), &assignment}, info);
  }
  void on_commit() { assigner_.forget(); }
  void on_abort() { assigner_.forget(); }

 private:
  std::shared_ptr<const WindowPlan> plan_;
  WindowAssigner assigner_;
  RunCounters* counters_ = nullptr;
};

/// `grace`: how long after its end a window still takes values, in event time; one for all windows.
inline Windows windows(std::vector<WindowDefinition> definitions,
                       std::chrono::milliseconds grace = std::chrono::milliseconds(0)) {
  return Windows(std::move(definitions), grace);
}
inline Windows windows(WindowDefinition definition,
                       std::chrono::milliseconds grace = std::chrono::milliseconds(0)) {
  return Windows({definition}, grace);
}

}  // namespace millrace
