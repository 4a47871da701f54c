#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/stream.h"
#include "millrace/operators/merge_node.h"
#include "millrace/operators/merge_order.h"
#include "millrace/operators/merge_runs.h"

namespace millrace {

/// What a merge orders by: a function of value and record. Made by by_value(), by_key(),
/// by_event_time() and by().
template <class Function>
struct MergeBy {
  std::string name;
  Function function;
};

/// The values themselves: integers, enums, text.
inline auto by_value() {
  return MergeBy{"value", [](const auto& value, const RecordInfo&) { return value; }};
}
/// The records' keys, byte by byte; a record without one comes first.
inline auto by_key() {
  return MergeBy{"key", [](const auto&, const RecordInfo& info) { return info.key; }};
}
/// Event time, or, where the stream has none, the records' Kafka timestamps.
inline auto by_event_time() {
  return MergeBy{"event time",
                 [](const auto&, const RecordInfo& info) { return info.event_time_ms; }};
}
/// A member, or a function of the value. `name` stands for it in describe(): another name is
/// another topology.
template <class Projection>
auto by(std::string name, Projection projection) {
  return MergeBy{std::move(name), [projection](const auto& value, const RecordInfo&) {
                   return std::invoke(projection, value);
                 }};
}

struct OrderedMergeOptions {
  std::string name = "merge";  ///< of the internal topics
  bool descending = false;
  OnDisorder on_disorder = OnDisorder::kFail;
  /// What is held of each partition, at most, in bytes; and one batch more.
  std::size_t partition_bytes = 512 * 1024;
};

/// The same with readers: see readers().
struct MergeReaders : OrderedMergeOptions {};

/// Each partition is read, decoded and filtered by a task of its own, which any instance may have,
/// and sent on in packed runs through the internal topic `<application-id>-<name>-repartition`; the
/// task that merges reads these. For more work than one instance can do. Values cross a topic, so
/// their type needs a Format.
inline MergeReaders readers(OrderedMergeOptions options = {}) { return {std::move(options)}; }

namespace merge_detail {

/// Puts a merge together, stream by stream.
template <class T, class By, class Options, class StreamKey>
class MergeBuilder {
 public:
  static_assert(std::invocable<By&, const T&, const RecordInfo&>,
                "ordered_merge: what it orders by must be callable with the stream's value");
  using Key = KeyOf<T, By>;

  MergeBuilder(Graph& graph, MergeBy<By> by, Options options)
      : graph_(graph), by_(std::move(by)), options_(std::move(options)) {}

  template <class S>
  void add(S&& stream) {
    static_assert(std::same_as<T, typename S::value_type>,
                  "ordered_merge: all streams must carry the same type; put map(f) before it");
    if (stream.traits().behind_edge)
      graph_.fail(
          "ordered_merge must follow its sources directly, with no more than filter, map and the "
          "like between (at most 16): put merge, split and branch behind it");
    if (edges_.empty()) traits_ = stream.traits();
    const EdgeId<T> edge = edges_.emplace_back(graph_.template new_edge<T>());
    if constexpr (std::same_as<Options, MergeReaders>) {
      std::string name = options_.name;
      if (edges_.size() > 1) name += "-" + std::to_string(edges_.size());
      const std::string store = kStore ? name + "-readers" : "";
      graph_.add(through_runs<T>(std::move(stream), by_.function,
                                 MergeOrder<Key>(options_.descending, options_.on_disorder, store),
                                 name, store, edge));
    } else {
      NodeSpec input = std::move(stream).close(Offer<T>(edge));
      input.outputs.push_back(edge.index);
      graph_.add(std::move(input));
    }
  }

  auto finish() && {
    const EdgeId<T> output = graph_.template new_edge<T>();
    NodeSpec node;
    node.name = options_.name;
    node.operators = {"ordered merge by " + by_.name +
                      (options_.descending ? ", descending" : ", ascending")};
    node.tuning = {"on disorder: " + std::string(to_string(options_.on_disorder))};
    for (const EdgeId<T> edge : edges_) node.inputs.push_back(edge.index);
    node.outputs = {output.index};
    node.gathers = options_.name;
    if (kStore) node.stores = {options_.name + "-keys"};
    constexpr bool kLooks = !std::same_as<Options, MergeReaders>;
    const MergeOrder<Key> order(options_.descending,
                                kLooks ? std::optional(options_.on_disorder) : std::nullopt,
                                options_.name + "-keys");
    node.recipe = [by = by_.function, order, bytes = options_.partition_bytes, edges = edges_,
                   output](TaskContext&) {
      return std::make_unique<MergeNode<T, By>>(by, order, bytes, edges, output);
    };
    graph_.add(std::move(node));
    traits_.behind_edge = true;
    traits_.has_event_time = false;
    traits_.windows_text.clear();
    traits_.windows = nullptr;
    return Stream<T, Chain<EdgeHead<T>>, StreamKey>(graph_, {EdgeHead<T>{output}, {}}, traits_,
                                                    "ordered_merge '" + options_.name + "'");
  }

 private:
  static constexpr bool kStore = !MergeKey<Key>::kFixedSize;

  Graph& graph_;
  MergeBy<By> by_;
  Options options_;
  StreamTraits traits_;
  std::vector<EdgeId<T>> edges_;
};

}  // namespace merge_detail

/// Merges streams whose partitions are sorted into one sorted stream: of all partitions of their
/// topics, by one task, in bounded memory.
///
/// The order is total: by key, then by stream, partition and offset, so that a replay gives the
/// same sequence. It waits for each partition that has not ended: for idle ones too, unless
/// idleness is asked for (ApplicationConfig::idle_after), which can break the order. Committed with
/// a partition is the offset of the next record to pass on, with the key of the last one. Nothing
/// is known of event time behind it. Where order does not matter, merge() is cheaper and runs one
/// task a partition.
///
///     ordered_merge(by_value(), OrderedMergeOptions{}, std::move(a), std::move(b)) | ...
template <class By, std::derived_from<OrderedMergeOptions> Options, AnyStream First,
          AnyStream... Rest>
auto ordered_merge(MergeBy<By> by, Options options, First&& first, Rest&&... rest) {
  static_assert(std::is_rvalue_reference_v<First&&> && (std::is_rvalue_reference_v<Rest&&> && ...),
                "ordered_merge(by, options, a, b, ...) uses its streams up: write std::move(a)");
  using S = std::remove_cvref_t<First>;
  merge_detail::MergeBuilder<typename S::value_type, By, Options, typename S::stream_key> builder(
      first.graph(), std::move(by), std::move(options));
  builder.add(std::move(first));
  (builder.add(std::move(rest)), ...);
  return std::move(builder).finish();
}

/// The same for any number of streams that are alike. REQUIRES: there is one.
template <class By, std::derived_from<OrderedMergeOptions> Options, AnyStream S>
auto ordered_merge(MergeBy<By> by, Options options, std::vector<S> streams) {
  MILLRACE_CHECK(!streams.empty(), "ordered_merge needs a stream");
  merge_detail::MergeBuilder<typename S::value_type, By, Options, typename S::stream_key> builder(
      streams.front().graph(), std::move(by), std::move(options));
  for (S& stream : streams) builder.add(std::move(stream));
  return std::move(builder).finish();
}

namespace merge_detail {

template <class By, class Options>
struct OrderedMerge {
  using graph_operator = void;
  template <class S>
  auto apply(S&& stream) && {
    return ordered_merge(std::move(by), std::move(options), std::move(stream));
  }
  MergeBy<By> by;
  Options options;
};

}  // namespace merge_detail

/// The same for all partitions of one stream:
///
///     topology.source("data-input", decimal_integer()) | ordered_merge(by_value()) | to(...)
template <class By, std::derived_from<OrderedMergeOptions> Options>
auto ordered_merge(MergeBy<By> merge_by, Options options) {
  return merge_detail::OrderedMerge<By, Options>{std::move(merge_by), std::move(options)};
}
template <class By>
auto ordered_merge(MergeBy<By> merge_by) {
  return ordered_merge(std::move(merge_by), OrderedMergeOptions{});
}

}  // namespace millrace
