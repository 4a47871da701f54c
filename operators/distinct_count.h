#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/stream.h"
#include "millrace/operators/distinct_method.h"
#include "millrace/operators/distinct_sender.h"
#include "millrace/operators/window_stats.h"
#include "millrace/operators/windows.h"

namespace millrace {

/// How distinct_count is spread and how often it speaks, beyond the method.
struct DistinctOptions {
  DistinctMethod method = exact();
  std::int32_t shards = 1;  ///< tasks that share the users; fixed when the topics are created
  std::chrono::milliseconds update_every{
      -1};  ///< wall clock between results of open windows; negative: none
};

namespace distinct_detail {

/// The fused end of the chain: names each value's user.
template <class Projection>
class TellUsers {
 public:
  static constexpr std::string_view kName = "distinct_count";
  TellUsers(Projection projection, std::shared_ptr<const WindowPlan> plan, DistinctMethod method,
            TopicName topic)
      : projection_(std::move(projection)),
        plan_(std::move(plan)),
        method_(method),
        topic_(std::move(topic)) {}
  TellUsers(const TellUsers& other)
      : TellUsers(other.projection_, other.plan_, other.method_, other.topic_) {}
  TellUsers(TellUsers&&) = default;

  void open(TaskContext& context) {
    sender_ = std::make_unique<DistinctSender>(plan_, method_, topic_);
    sender_->open(context);
  }
  template <class T, class Next>
  void operator()(Windowed<T>&& value, const RecordInfo&, Next&&) {
    sender_->add(*value.assignment, std::invoke(projection_, std::as_const(value.value)));
  }
  template <class Next>
  void before_commit(Next&&) {
    sender_->flush();
  }
  void on_abort() { sender_->abort(); }

 private:
  Projection projection_;
  std::shared_ptr<const WindowPlan> plan_;
  DistinctMethod method_;
  TopicName topic_;
  std::unique_ptr<DistinctSender> sender_;
};

/// Adds stages 2 and, with several shards, 3; returns the edge on which the results come.
EdgeId<WindowStats> add_stages(Graph& graph, const StreamTraits& traits, const std::string& name,
                               const DistinctOptions& options);

}  // namespace distinct_detail

/// Counts distinct users, and values, per window.
///
/// Keyless; behind windows(...). Exact by default: a set of 128-bit fingerprints per window; or a
/// mergeable sketch. Stores:
/// `<name>`, and `<name>-total` with several shards. Written at each commit: what is new in changed
/// windows, to
/// `<application-id>-<name>-repartition` and to the changelogs. A window is emitted when event time
/// has passed its end plus the grace in all partitions that are not idle; results that come later
/// are revisions. Restart: restored from changelogs.
///
///     stream | windows({tumbling(1min)}) | distinct_count("users", &Frame::uid, exact()) |
///     to("stats", window_stats_json())
template <class Projection>
class DistinctCount {
 public:
  using graph_operator = void;
  DistinctCount(std::string name, Projection projection, DistinctOptions options)
      : name_(std::move(name)), projection_(std::move(projection)), options_(options) {}

  template <class S>
  auto apply(S&& stream) && {
    using T = typename S::value_type;
    static_assert(is_windowed<T>, "distinct_count counts per window: put windows(...) before it");
    if constexpr (is_windowed<T>) {
      static_assert(std::invocable<Projection&, const decltype(T::value)&>,
                    "distinct_count(name, f): f must be a member or a function that gives the user "
                    "of the stream's value");
      static_assert(
          std::convertible_to<std::invoke_result_t<Projection&, const decltype(T::value)&>,
                              std::string_view>,
          "distinct_count(name, f): the user must be text");
    }
    Graph& graph = stream.graph();
    const StreamTraits traits = stream.traits();
    const TopicName topic{TopicName::Kind::kRepartition, name_};
    NodeSpec node = std::move(stream).close(distinct_detail::TellUsers<Projection>(
        std::move(projection_), traits.windows, options_.method, topic));
    node.operators.push_back("distinct_count " + name_ + " (" + options_.method.describe() + ")");
    node.sinks.push_back(topic);
    graph.add(std::move(node));
    const EdgeId<WindowStats> results = distinct_detail::add_stages(graph, traits, name_, options_);
    StreamTraits next = traits;
    next.behind_repartition = true;
    next.source = topic;
    next.windows = nullptr;
    return Stream<WindowStats, Chain<EdgeHead<WindowStats>>, StreamKey<std::string, true>>(
        graph, {EdgeHead<WindowStats>{results}, {}}, next, "distinct_count '" + name_ + "'");
  }

 private:
  std::string name_;
  Projection projection_;
  DistinctOptions options_;
};

template <class Projection>
DistinctCount<Projection> distinct_count(std::string name, Projection projection,
                                         DistinctOptions options) {
  return {std::move(name), std::move(projection), options};
}
template <class Projection>
DistinctCount<Projection> distinct_count(std::string name, Projection projection,
                                         DistinctMethod method = exact()) {
  return {std::move(name), std::move(projection), DistinctOptions{.method = method}};
}

}  // namespace millrace
