#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "millrace/framework/stream.h"

namespace millrace {

/// Joins streams of one type into one, in order of arrival; event time is that of the slowest.
///
/// Stateless; nothing is written. Promises no order among its inputs: for that use ordered_merge.
/// The inputs become one sub-topology, so their topics need the same number of partitions.
///
///     merge(topology.source("a", codec), topology.source("b", codec)) | ...
template <class First, class... Rest>
auto merge(First&& first, Rest&&... rest) {
  static_assert(AnyStream<First> && (AnyStream<Rest> && ...), "merge(a, b, ...) joins streams");
  static_assert(std::is_rvalue_reference_v<First&&> && (std::is_rvalue_reference_v<Rest&&> && ...),
                "merge(a, b, ...) uses its streams up: write merge(std::move(a), std::move(b))");
  using T = typename std::remove_cvref_t<First>::value_type;
  static_assert((std::same_as<T, typename std::remove_cvref_t<Rest>::value_type> && ...),
                "merge(a, b, ...): all streams must carry the same type; put map(f) before it");
  using Key = typename std::remove_cvref_t<First>::stream_key;
  static_assert(
      (std::same_as<typename Key::type, typename std::remove_cvref_t<Rest>::stream_key::type> &&
       ...),
      "merge(a, b, ...): all streams must have keys of the same type; put key_by(f) before "
      "it");
  constexpr bool kMoved = Key::moved || (std::remove_cvref_t<Rest>::stream_key::moved || ...);
  constexpr std::size_t kCount = 1 + sizeof...(Rest);

  class MergeNode final : public Node {
   public:
    MergeNode(std::array<EdgeId<T>, kCount> inputs, EdgeId<T> output) : output_(output) {
      for (std::size_t i = 0; i < kCount; ++i)
        inputs_[i] = std::make_unique<Input>(*this, inputs[i]);
    }
    void open(TaskContext& context) override {
      to_ = &context.edge(output_);
      for (auto& input : inputs_) context.provide<T>(input->id, *input);
    }
    void aborted() override {
      for (auto& input : inputs_) input->reached_ms = kNoTime;
    }
    void count_records(std::vector<std::uint64_t>& counts) const override {
      counts.insert(counts.end(), {taken_, taken_});  // all of them are passed on
    }

   private:
    struct Input final : Edge<T> {
      Input(MergeNode& owner, EdgeId<T> edge) : node(owner), id(edge) {}
      void push(std::span<const T> values, std::span<const RecordInfo> infos) override {
        ++node.work.batches;
        node.taken_ += values.size();
        node.to_->push(values, infos);
      }
      void watermark(std::int64_t watermark_ms) override {
        reached_ms = watermark_ms;
        std::int64_t lowest = kEndOfTime;
        for (const auto& input : node.inputs_) lowest = std::min(lowest, input->reached_ms);
        node.to_->watermark(lowest);
      }
      MergeNode& node;
      EdgeId<T> id;
      std::int64_t reached_ms = kNoTime;
    };
    EdgeId<T> output_;
    Edge<T>* to_ = nullptr;
    std::uint64_t taken_ = 0;
    std::array<std::unique_ptr<Input>, kCount> inputs_;
  };

  Graph& graph = first.graph();
  StreamTraits traits = first.traits();
  const auto combine = [&](const StreamTraits& other) {
    traits.has_event_time = traits.has_event_time && other.has_event_time;
    if (traits.windows_text != other.windows_text)
      graph.fail(
          "merge(a, b, ...): the streams have different windows: put windows(...) behind it");
    traits.lateness_ms = std::max(traits.lateness_ms, other.lateness_ms);
  };
  (combine(rest.traits()), ...);
  traits.behind_edge = true;

  std::array<EdgeId<T>, kCount> inputs;
  std::size_t count = 0;
  const auto close = [&](auto&& stream) {
    const EdgeId<T> edge = graph.template new_edge<T>();
    inputs[count++] = edge;
    NodeSpec node = std::move(stream).close(EmitTo<T>(edge));
    node.outputs.push_back(edge.index);
    graph.add(std::move(node));
  };
  close(std::move(first));
  (close(std::move(rest)), ...);

  const EdgeId<T> output = graph.template new_edge<T>();
  NodeSpec node;
  node.name = "merge " + std::to_string(output.index);
  node.operators = {"merge"};
  for (const auto& input : inputs) node.inputs.push_back(input.index);
  node.outputs = {output.index};
  node.recipe = [inputs, output](TaskContext&) {
    return std::make_unique<MergeNode>(inputs, output);
  };
  graph.add(std::move(node));
  return Stream<T, Chain<EdgeHead<T>>, StreamKey<typename Key::type, kMoved>>(
      graph, {EdgeHead<T>{output}, {}}, traits, "'merge'");
}

}  // namespace millrace
