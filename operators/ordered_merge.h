#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/stream.h"
#include "millrace/operators/loser_tree.h"
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

/// The end of a chain that feeds a merge: record by record, because the merge may stop the chain at
/// one.
template <class T>
class Offer {
 public:
  static constexpr std::string_view kName = "offer";
  explicit Offer(EdgeId<T> edge) : edge_(edge) {}

  void open(TaskContext& context) { to_ = &context.edge(edge_); }
  template <class Value, class Next>
  void operator()(Value&& value, const RecordInfo& info, Next&&) {
    const T& plain = value;
    to_->push({&plain, 1}, {&info, 1});
  }

 private:
  EdgeId<T> edge_;
  Edge<T>* to_ = nullptr;
};

/// Merges all source partitions of its task.
template <class T, class By>
class MergeNode final : public Node, public TimeKeeper {
 public:
  using Key = KeyOf<T, By>;

  MergeNode(By by, const MergeOrder<Key>& order, std::size_t partition_bytes,
            const std::vector<EdgeId<T>>& from, EdgeId<T> output)
      : by_(std::move(by)), order_(order), partition_bytes_(partition_bytes), output_(output) {
    for (const EdgeId<T> edge : from) doors_.push_back(std::make_unique<Door>(*this, edge));
  }

  void open(TaskContext& context) override {
    context_ = &context;
    to_ = &context.edge(output_);
    for (auto& door : doors_) context.provide<T>(door->edge, *door);
    context.keep_time(*this);
    for (const auto& source : context.source_partitions) source->will_hold_back();
    inputs_.resize(context.source_partitions.size());
    reload();
  }

  /// Passes on what nothing that may still come can precede.
  void advance() override {
    if (ready()) merge();
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Input& input = inputs_[i];
      const std::size_t bytes = input.bytes();
      const auto from =
          input.head == nullptr ? std::nullopt : std::optional(input.head->info.offset);
      context_->source_partitions[i]->hold_back({from, bytes, bytes >= partition_bytes_});
    }
  }
  void flush() override { order_.note(); }
  void aborted() override { reload(); }

  void limit(SourceWord&) const override {}  // nothing is known of time behind it
  bool behind() const override {
    return std::ranges::any_of(inputs_, [](const Input& input) { return input.head != nullptr; });
  }

 private:
  struct Item {
    T value;
    Key key;
    RecordInfo info;
  };
  /// The records of one batch, which they point into.
  struct Chunk {
    std::vector<Item> items;
    std::size_t next = 0;
    std::shared_ptr<RecordBatch> batch;
  };
  struct Input {
    std::vector<Chunk> chunks;  ///< in order; few
    Item* head = nullptr;       ///< the next one to pass on

    std::size_t bytes() const {
      std::size_t sum = 0;
      for (const Chunk& chunk : chunks)
        sum += chunk.items.size() * sizeof(Item) + chunk.batch->arena().used_bytes();
      return sum;
    }
  };
  struct Door final : Edge<T> {
    Door(MergeNode& owner, EdgeId<T> from) : node(owner), edge(from) {}
    void push(std::span<const T> values, std::span<const RecordInfo> infos) override {
      for (std::size_t i = 0; i < values.size(); ++i) node.add(values[i], infos[i]);
    }
    void watermark(std::int64_t) override {}  // what is held back is no function of time
    MergeNode& node;
    EdgeId<T> edge;
  };

  void add(const T& value, RecordInfo info) {
    if (info.key.data() != nullptr && info.key.data() != context_->record_under_work->key.data())
      info.key = context_->batches().current().arena().copy(info.key);  // it was made for this turn
    const Key key = by_(value, info);
    if (!order_.admit(key, info)) return;
    Input& input = inputs_[static_cast<std::size_t>(info.source)];
    if (input.chunks.empty() || input.chunks.back().batch.get() != &context_->batches().current())
      begin_chunk(input);
    Chunk& chunk = input.chunks.back();
    chunk.items.push_back({value, key, info});
    if (&chunk == input.chunks.data()) input.head = &chunk.items[chunk.next];
  }

  void begin_chunk(Input& input) {
    Chunk chunk;
    if (!spare_.empty()) {
      chunk = std::move(spare_.back());
      spare_.pop_back();
    }
    chunk.batch = context_->batches().hold();
    input.chunks.push_back(std::move(chunk));
  }
  void drop_chunk(Input& input) {
    Chunk chunk = std::move(input.chunks.front());
    input.chunks.erase(input.chunks.begin());
    chunk.items.clear();
    chunk.next = 0;
    chunk.batch->reset();
    chunk.batch.reset();
    spare_.push_back(std::move(chunk));
  }

  bool waits_for(std::size_t input) const {
    return inputs_[input].head == nullptr &&
           context_->status_of(*context_->source_partitions[input]) == SourceStatus::kActive;
  }
  bool ready() const {
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (waits_for(i)) return false;
    return true;
  }
  bool goes_before(std::size_t a, std::size_t b) const {
    const Item* const left = inputs_[a].head;
    const Item* const right = inputs_[b].head;
    if (left == nullptr || right == nullptr) return left != nullptr;
    if (order_.before(left->key, right->key)) return true;
    return !order_.before(right->key, left->key) && a < b;
  }

  void merge() {
    const auto beats = [this](std::size_t a, std::size_t b) { return goes_before(a, b); };
    tree_.build(inputs_.size(), beats);
    for (;;) {
      const std::size_t winner = tree_.winner();
      Input& input = inputs_[winner];
      if (input.head == nullptr) break;
      pass_on(*input.head);
      move_on(input);
      if (waits_for(winner)) break;
      tree_.replay(beats);
    }
    send();
  }

  void pass_on(Item& item) {
    order_.passed(item.key, item.info);
    if (highest_.known() && order_.before(item.key, highest_.key()))
      ++context_->counters().out_of_order;
    else
      highest_.keep(item.key);
    values_.push_back(std::move(item.value));
    infos_.push_back(item.info);
    if (values_.size() >= kSendAtOnce) send();
  }
  void move_on(Input& input) {
    Chunk& chunk = input.chunks.front();
    if (++chunk.next < chunk.items.size()) {
      input.head = &chunk.items[chunk.next];
      return;
    }
    send();  // before what it points into is gone
    drop_chunk(input);
    input.head = input.chunks.empty() ? nullptr : &input.chunks.front().items.front();
  }
  void send() {
    if (values_.empty()) return;
    context_->counters().merged += values_.size();
    to_->push(values_, infos_);
    values_.clear();
    infos_.clear();
  }

  void reload() {
    for (Input& input : inputs_) {
      input.head = nullptr;
      while (!input.chunks.empty()) drop_chunk(input);
    }
    values_.clear();
    infos_.clear();
    highest_.forget();
    if (const Status status = order_.load(*context_); !status.ok())
      return context_->source_partitions.front()->fail(status);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (const auto& last = order_.last(i);
          last.known() && (!highest_.known() || order_.before(highest_.key(), last.key())))
        highest_.keep(last.key());
  }

  static constexpr std::size_t kSendAtOnce = 512;

  By by_;
  MergeOrder<Key> order_;
  std::size_t partition_bytes_;
  EdgeId<T> output_;
  std::vector<std::unique_ptr<Door>> doors_;
  TaskContext* context_ = nullptr;
  Edge<T>* to_ = nullptr;
  std::vector<Input> inputs_;  ///< one a source partition
  std::vector<Chunk> spare_;
  LoserTree tree_;
  KeptKey<Key> highest_;  ///< passed on so far
  std::vector<T> values_;
  std::vector<RecordInfo> infos_;
};

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
