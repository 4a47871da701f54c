#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/stream.h"
#include "millrace/operators/loser_tree.h"
#include "millrace/operators/merge_order.h"

namespace millrace::merge_detail {

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
  void count_records(std::vector<std::uint64_t>& counts) const override {
    counts.insert(counts.end(), {taken_, passed_on_});
  }

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
        sum += chunk.items.capacity() * sizeof(Item) + chunk.batch->reserved_bytes();
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
    ++taken_;
    if (info.key.data() != nullptr && info.key.data() != context_->record_under_work->key.data())
      info.key = context_->batches().current().arena().copy(info.key);  // it was made for this turn
    Key key = by_(value, info);
    if (!order_.admit(key, info)) return;
    // It may point into the value, of which a copy is kept.
    if constexpr (std::same_as<Key, std::string_view> && !std::same_as<T, std::string_view>)
      if (key.data() != info.key.data()) key = context_->batches().current().arena().copy(key);
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
    passed_on_ += values_.size();
    ++work.batches;
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
  std::uint64_t taken_ = 0;
  std::uint64_t passed_on_ = 0;
  std::vector<Input> inputs_;  ///< one a source partition
  std::vector<Chunk> spare_;
  LoserTree tree_;
  KeptKey<Key> highest_;  ///< passed on so far
  std::vector<T> values_;
  std::vector<RecordInfo> infos_;
};

}  // namespace millrace::merge_detail
