#include "millrace/operators/windows.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {

WindowPlan WindowPlan::make(std::vector<WindowDefinition> definitions, std::int64_t grace_ms) {
  WindowPlan plan;
  plan.definitions = std::move(definitions);
  plan.grace_ms = grace_ms;
  const int count = static_cast<int>(plan.definitions.size());
  plan.parent.assign(plan.definitions.size(), -1);
  plan.children.resize(plan.definitions.size());
  const auto definition = [&](int i) -> const WindowDefinition& {
    return plan.definitions[static_cast<std::size_t>(i)];
  };
  for (int i = 0; i < count; ++i) {
    int& parent = plan.parent[static_cast<std::size_t>(i)];
    for (int j = 0; j < count; ++j) {
      if (!definition(j).divides(definition(i))) continue;
      // Of two that divide it and are equally long, the calendar's is itself rolled up from the
      // other.
      if (parent < 0 || definition(j).nominal_ms() > definition(parent).nominal_ms() ||
          definition(parent).divides(definition(j)))
        parent = j;
    }
    if (parent >= 0) plan.children[static_cast<std::size_t>(parent)].push_back(i);
  }
  return plan;
}

std::string WindowPlan::describe() const {
  std::string text;
  for (const WindowDefinition& definition : definitions) {
    if (!text.empty()) text += ", ";
    text += definition.name();
  }
  return text;
}

const WindowAssignment& WindowAssigner::find(std::int64_t event_ms, std::int64_t watermark_ms) {
  constexpr std::size_t kRecent = 8;  // out-of-order input goes back and forth over an edge or two
  for (std::size_t i = made_.size(); i > 0 && i + kRecent > made_.size(); --i)
    if (made_[i - 1]->fits(event_ms, watermark_ms)) return *(current_ = made_[i - 1].get());

  auto made = std::make_unique<WindowAssignment>();
  made->from_ms = kNoTime;
  made->until_ms = kEndOfTime;
  made->watermark_from_ms = kNoTime;
  made->watermark_until_ms = kEndOfTime;
  for (int i = 0; i < static_cast<int>(plan_->definitions.size()); ++i) {
    const Window window = plan_->definitions[static_cast<std::size_t>(i)].window_of(event_ms);
    made->from_ms = std::max(made->from_ms, window.start_ms);
    made->until_ms = std::min(made->until_ms, window.end_ms);
    const std::int64_t close_ms = window.end_ms + plan_->grace_ms;
    if (close_ms <= watermark_ms) {
      made->late.push_back(i);
      made->watermark_from_ms = std::max(made->watermark_from_ms, close_ms);
    } else {
      made->open.push_back({i, window});
      made->watermark_until_ms = std::min(made->watermark_until_ms, close_ms);
    }
  }
  made_.push_back(std::move(made));
  return *(current_ = made_.back().get());
}

Windows::Windows(std::vector<WindowDefinition> definitions, std::chrono::milliseconds grace)
    : plan_(std::make_shared<const WindowPlan>(
          WindowPlan::make(std::move(definitions), grace.count()))),
      assigner_(plan_) {}

std::string Windows::describe() const { return fmt::format("{}({})", kName, plan_->describe()); }

std::string Windows::tuning() const { return fmt::format("grace {}ms", plan_->grace_ms); }

void Windows::annotate(StreamTraits& traits, Graph& graph) const {
  if (traits.results_of_windows)
    graph.fail(
        "windows(...) stands behind the results of windows, which come when those close: give all "
        "windows to the first windows({...})");
  else if (!traits.has_event_time)
    graph.fail("windows(...) needs to know the time of its values: put event_time(...) before it");
  if (plan_->definitions.empty()) graph.fail("windows(...) needs at least one window");
  if (plan_->definitions.size() > 64) graph.fail("windows(...) takes at most 64 definitions");
  if (plan_->grace_ms < 0) graph.fail("windows(...): the grace cannot be negative");
  for (std::size_t i = 0; i < plan_->definitions.size(); ++i)
    if (std::ranges::count(plan_->definitions, plan_->definitions[i]) > 1)
      graph.fail(fmt::format("windows(...): the window '{}' is given twice",
                             plan_->definitions[i].name()));
  traits.windows = plan_;
  traits.windows_text = describe() + " " + tuning();
}

void Windows::open(TaskContext& context) {
  counters_ = &context.counters();
  context.count_late_windows(plan_->definitions.size());
}

}  // namespace millrace
