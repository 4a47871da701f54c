#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "millrace/framework/stream.h"

namespace millrace {

/// Fans a stream out: each of N streams gets every value.
///
/// Stateless; nothing is written.
///
///     auto [all, big] = std::move(stream) | split<2>();
template <std::size_t N>
class Split {
 public:
  using graph_operator = void;
  static_assert(N >= 2, "split<N>() makes at least two streams");

  template <class S>
  auto apply(S&& stream) && {
    using T = typename S::value_type;
    static_assert(std::copy_constructible<T>, "split<N>(): the stream's value must be copyable");
    return fan_out<N>(std::move(stream), "split", [](const auto& edges) { return Copy<T>(edges); });
  }

  /// Closes the chain into `terminal(edges)` and returns N streams, one an edge. Shared with
  /// branch.
  template <std::size_t Count, class S, class MakeTerminal>
  static auto fan_out(S&& stream, std::string_view what, MakeTerminal make_terminal) {
    using T = typename S::value_type;
    Graph& graph = stream.graph();
    StreamTraits traits = stream.traits();
    traits.behind_edge = true;
    std::array<EdgeId<T>, Count> edges;
    for (auto& edge : edges) edge = graph.template new_edge<T>();
    NodeSpec node = std::move(stream).close(make_terminal(edges));
    for (const auto& edge : edges) node.outputs.push_back(edge.index);
    node.operators.push_back(std::string(what));
    graph.add(std::move(node));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::make_tuple(
          Stream<T, Chain<EdgeHead<T>>, typename std::remove_cvref_t<S>::stream_key>(
              graph, {EdgeHead<T>{edges[I]}, {}}, traits,
              std::string(what) + " " + std::to_string(I))...);
    }
    (std::make_index_sequence<Count>{});
  }

 private:
  template <class T>
  class Copy {
   public:
    static constexpr std::string_view kName = "split";
    explicit Copy(const std::array<EdgeId<T>, N>& edges)
        : outputs_([&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<EmitTo<T>, N>{EmitTo<T>(edges[I])...};
          }(std::make_index_sequence<N>{})) {}

    void open(TaskContext& context) {
      for (auto& output : outputs_) output.open(context);
    }
    template <class Value, class Next>
    void operator()(Value&& value, const RecordInfo& info, Next&& next) {
      for (auto& output : outputs_) output(T(value), info, next);
    }
    void end_batch() {
      for (auto& output : outputs_) output.end_batch();
    }
    template <class Next>
    void on_watermark(std::int64_t watermark_ms, Next&& next) {
      for (auto& output : outputs_) output.on_watermark(watermark_ms, next);
    }
    void on_abort() {
      for (auto& output : outputs_) output.on_abort();
    }

   private:
    std::array<EmitTo<T>, N> outputs_;
  };
};

template <std::size_t N>
Split<N> split() {
  return {};
}

}  // namespace millrace
