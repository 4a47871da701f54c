#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/fused_node.h"
#include "millrace/framework/graph.h"
#include "millrace/operators/merge_order.h"
#include "millrace/operators/merge_runs_format.h"

/// How a merge with readers brings a partition from the task that reads it to the one that merges.
namespace millrace::merge_detail {

/// The end of a reader's chain: looks at the order, and packs runs into the reader's own partition
/// of the topic.
template <class T, class By>
class PackRuns {
 public:
  using Key = KeyOf<T, By>;
  static constexpr std::string_view kName = "pack runs";

  PackRuns(By by, MergeOrder<Key> order, TopicName topic)
      : by_(std::move(by)), order_(order), topic_(std::move(topic)) {}

  void open(TaskContext& context) {
    context_ = &context;
    name_ = context.resolve(topic_);
    reload();
  }
  template <class Value, class Next>
  void operator()(Value&& value, const RecordInfo& info, Next&&) {
    const T& plain = value;
    const Key key = by_(plain, info);
    if (!order_.admit(key, info)) return;
    order_.passed(key, info);
    bytes_.clear();
    ByteWriter out(bytes_);
    Format<T>::write(plain, out);
    run_.add({1, bytes_, info.key, info.event_time_ms});
    if (run_.size() >= kRunBytes || run_.values() >= kRunValues) send();
  }
  template <class Next>
  void before_commit(Next&&) {
    send();
    order_.note();
  }
  void on_abort() {
    run_.clear();
    reload();
  }

 private:
  static constexpr std::size_t kRunBytes = 64 * 1024;
  static constexpr std::size_t kRunValues = 4096;  ///< which may take far less when they are equal

  void send() {
    if (run_.empty()) return;
    record_.clear();
    begin_repartition_data(kNoTime, kNoTime, record_);
    run_.finish(record_);
    context_->collector().send(
        {.topic = name_, .partition = context_->partition(), .value = record_});
  }
  void reload() {
    if (const Status status = order_.load(*context_); !status.ok())
      context_->source_partitions.front()->fail(status);
  }

  By by_;
  MergeOrder<Key> order_;
  TopicName topic_;
  TaskContext* context_ = nullptr;
  std::string name_;
  std::string bytes_;
  std::string record_;
  RunWriter run_;
};

/// Unpacks runs for the merge, which may keep what points into them: a value's format may read
/// views.
template <class T>
class RunNode final : public SourceNode {
 public:
  explicit RunNode(EdgeId<T> edge) : edge_(edge) {}

  void open(TaskContext& context) override {
    context_ = &context;
    to_ = &context.edge(edge_);
  }
  /// What is unpacked takes far more memory than a run.
  std::size_t most_records() const override { return 4; }
  bool many_in_one() const override { return true; }
  void count_records(std::vector<std::uint64_t>& counts) const override {
    counts.insert(counts.end(), {runs_, passed_on_});
  }
  std::size_t process(std::span<const RecordView> records, Arena&,
                      SourcePartition& source) override {
    RecordInfo info;
    info.source = source.index();
    for (const RecordView& record : records) {
      info.offset = context_->offset_under_work = record.offset;
      context_->record_under_work = &record;
      const Status unpacked = unpack(record, info);
      if (!unpacked.ok()) source.fail(unreadable(source, record, unpacked.message()));
      if (source.must_stop()) break;
    }
    return records.size();
  }

 private:
  Status unpack(const RecordView& record, RecordInfo& info) {
    const auto envelope = decode_repartition_record(record.value);
    if (!envelope.ok()) return envelope.status();
    if (envelope->kind != RepartitionKind::kData) return {};
    ++runs_;
    RunReader run(envelope->payload);
    while (const auto item = run.next()) {
      ByteReader in(item->value);
      const T value = Format<T>::read(in);
      if (!in.done()) return Status::failed("its values are not of this topology's type");
      info.event_time_ms = item->event_time_ms;
      info.timestamp_ms = record.timestamp_ms;
      info.key = item->key;
      passed_on_ += item->times;
      for (std::uint64_t i = 0; i < item->times; ++i) to_->push({&value, 1}, {&info, 1});
    }
    return run.status();
  }

  EdgeId<T> edge_;
  TaskContext* context_ = nullptr;
  Edge<T>* to_ = nullptr;
  std::uint64_t runs_ = 0;
  std::uint64_t passed_on_ = 0;
};

/// Ends `stream` in an internal topic of runs, and returns the node that reads it in the merge's
/// task.
template <class T, class By, class S>
NodeSpec through_runs(S&& stream, By by, const MergeOrder<KeyOf<T, By>>& order,
                      const std::string& name, std::string store, EdgeId<T> edge) {
  Graph& graph = stream.graph();
  const TopicName topic{TopicName::Kind::kRepartition, name};
  graph.add(RepartitionSpec{.name = name, .gathered = true});
  NodeSpec reader = std::move(stream).close(PackRuns<T, By>(std::move(by), order, topic));
  reader.sinks.push_back(topic);
  if (!store.empty()) reader.stores.push_back(std::move(store));
  reader.operators.push_back("pack runs " + name);
  graph.add(std::move(reader));
  NodeSpec unpack;
  unpack.name = "runs " + name;
  unpack.source = topic;
  unpack.operators = {"unpack runs"};
  unpack.outputs = {edge.index};
  unpack.source_recipe = [edge](TaskContext&) { return std::make_unique<RunNode<T>>(edge); };
  return unpack;
}

}  // namespace millrace::merge_detail
