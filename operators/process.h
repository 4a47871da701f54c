#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/stream.h"
#include "millrace/operators/keyed_reader.h"
#include "millrace/operators/punctuations.h"
#include "millrace/operators/through.h"
#include "millrace/operators/typed_store.h"

namespace millrace {

/// What a processor uses of its task: its store, the schedule, time. Lives as long as the
/// processor. One thread.
class ProcessContext {
 public:
  ProcessContext(TaskContext& task, KeyValueStore& store, Punctuations& punctuations)
      : task_(task), store_(store), punctuations_(punctuations) {}

  /// The processor's store. REQUIRES: always with the same types.
  template <class K, class V>
  TypedStore<K, V> store() {
    return {store_, kPrefix};
  }
  /// Of the keys of that store.
  static constexpr char kPrefix = 'u';
  /// Has on_punctuation() called once time has reached `at_ms` (Unix ms): at the commit that
  /// follows. One moment per type and tag: a later call replaces it. Outlives restarts; an abort
  /// takes it back. Event time is that of the task's slowest source, as for windows.
  void schedule(PunctuationType type, std::int64_t at_ms, std::string_view tag = {}) {
    punctuations_.schedule(type, at_ms, tag);
  }
  void cancel(PunctuationType type, std::string_view tag = {}) { punctuations_.cancel(type, tag); }

  std::int64_t wall_ms() const { return task_.clock().wall_ms(); }
  LogSink& log() const { return task_.log(); }
  /// A copy that lives as long as a batch: for the key of a result.
  std::string_view keep(std::string_view text) { return task_.scratch().copy(text); }

 private:
  TaskContext& task_;
  KeyValueStore& store_;
  Punctuations& punctuations_;
};

namespace process_detail {

/// Stands for `next` where it is asked what a processor can do.
template <class Out>
struct AnyNext {
  void operator()(const Out&, const RecordInfo&) const {}
};

template <class Processor>
concept HasOutput = requires {
  typename Processor::output_type;
};

/// Says what its store holds, so that people can read it.
template <class Processor>
concept HasStore = requires {
  typename Processor::store_type::key_type;
  typename Processor::store_type::value_type;
};

/// The fused end of a chain that hands its values to a user's processor.
template <class T, class Processor>
class RunProcessor {
 public:
  using Out = typename Processor::output_type;
  static constexpr std::string_view kName = "process";

  RunProcessor(std::string store, Processor processor, EdgeId<Out> edge)
      : name_(std::move(store)), processor_(std::move(processor)), edge_(edge), output_(edge) {}
  RunProcessor(const RunProcessor& other)
      : RunProcessor(other.name_, other.processor_, other.edge_) {}
  RunProcessor(RunProcessor&&) noexcept = default;

  void open(TaskContext& context) {
    task_ = &context;
    output_.open(context);
    punctuations_.open(context.store(name_));
    context_ = std::make_unique<ProcessContext>(context, context.store(name_), punctuations_);
    if constexpr (requires { processor_.open(*context_); }) processor_.open(*context_);
  }
  template <class Value, class Next>
  void operator()(Value&& value, const RecordInfo& info, Next&&) {
    processor_(std::as_const(value), info, next());
  }
  template <class Next>
  void on_watermark(std::int64_t watermark_ms, Next&& behind) {
    fire(PunctuationType::kEventTime, watermark_ms);
    output_.on_watermark(watermark_ms, behind);
  }
  template <class Next>
  void before_commit(Next&&) {
    fire(PunctuationType::kWallClock, task_->clock().wall_ms());
    if constexpr (requires { processor_.before_commit(next()); }) processor_.before_commit(next());
    output_.end_batch();
  }
  void end_batch() { output_.end_batch(); }
  void on_commit() {
    if constexpr (requires { processor_.on_commit(); }) processor_.on_commit();
  }
  void on_abort() {
    punctuations_.reload();
    output_.on_abort();
    if constexpr (requires { processor_.on_abort(); }) processor_.on_abort();
  }

 private:
  auto next() {
    return [this](auto&& value, const RecordInfo& info) {
      output_(Out(std::forward<decltype(value)>(value)), info, nullptr);
    };
  }
  void fire(PunctuationType type, std::int64_t now_ms) {
    output_.end_batch();
    punctuations_.fire(type, now_ms, task_->sources().run(),
                       [this](const Punctuation& punctuation) {
                         if constexpr (requires { processor_.on_punctuation(punctuation, next()); })
                           processor_.on_punctuation(punctuation, next());
                         output_.end_batch();  // its tag may be a result's key
                       });
  }

  std::string name_;
  Processor processor_;
  EdgeId<Out> edge_;
  EmitTo<Out> output_;
  TaskContext* task_ = nullptr;
  Punctuations punctuations_;
  std::unique_ptr<ProcessContext> context_;
};

}  // namespace process_detail

/// Hands each value to a class of yours that has a store and can schedule moments: what no other
/// operator does.
///
/// By key, in one store. Behind key_by(...) the stream is cut first, through
/// `<application-id>-<store>-repartition`. The class is copyable, names in `output_type` what it
/// passes on, and has `operator()(const T& value, const RecordInfo& info, next)`, which calls
/// `next(result, info)` any number of times; results keep the key (to change it put key_by behind).
/// Optional: open(ProcessContext&), on_punctuation(const Punctuation&, next), before_commit(next),
/// on_commit(), on_abort(). With `using store_type = TypedStore<K, V>`, the one that it takes from
/// its context, others can read its store (operators/query.h). What it keeps beside its store and
/// schedule it must take back in on_abort(). Written: changed keys and moments, once per commit.
/// Restart: restored from the changelog.
///
/// Moments come at commits: records beyond them may have been processed before. At the end of a
/// bounded run every moment of event time comes; those scheduled then stay for the next run.
///
///     struct Alarm {
///       using output_type = std::string;
///       void open(ProcessContext& context) { context_ = &context; }
///       void operator()(const Beat&, const RecordInfo& info, auto&&) {
///         context_->schedule(PunctuationType::kEventTime, info.event_time_ms + 60'000, info.key);
///       }
///       void on_punctuation(const Punctuation& silent, auto&& next) {
///         next(std::string(silent.tag) + " is silent", silent.info);
///       }
///       ProcessContext* context_ = nullptr;
///     };
///     stream | key_by(&Beat::host) | process("hosts", Alarm{}) | to("alarms", text())
template <class Processor>
class Process {
 public:
  using graph_operator = void;
  Process(std::string store, Processor processor)
      : store_(std::move(store)), processor_(std::move(processor)) {}

  template <class S>
  auto apply(S&& stream) && {
    using T = typename S::value_type;
    static_assert(process_detail::HasOutput<Processor>,
                  "process(store, processor): the processor must say what it passes on: using "
                  "output_type = ...");
    if constexpr (process_detail::HasOutput<Processor>) {
      static_assert(std::invocable<Processor&, const T&, const RecordInfo&,
                                   process_detail::AnyNext<typename Processor::output_type>>,
                    "process(store, processor): the processor must be callable with the stream's "
                    "value, as (const T& value, const RecordInfo& info, auto&& next)");
      if constexpr (S::stream_key::moved)
        return finish(std::move(stream) | through(store_), {});
      else
        return finish(std::move(stream), {store_});
    }
  }

 private:
  template <class S>
  auto finish(S stream, std::vector<std::string> stores) {
    using Out = typename Processor::output_type;
    using Running = process_detail::RunProcessor<typename S::value_type, Processor>;
    Graph& graph = stream.graph();
    StreamTraits traits = stream.traits();
    traits.behind_edge = true;
    traits.windows = nullptr;
    traits.windows_text.clear();
    const EdgeId<Out> edge = graph.template new_edge<Out>();
    NodeSpec node = std::move(stream).close(Running(store_, std::move(processor_), edge));
    node.operators.push_back("process " + store_);
    node.stores = std::move(stores);
    if constexpr (process_detail::HasStore<Processor>) {
      using Store = typename Processor::store_type;
      using Reader = KeyedReaderOf<typename Store::key_type, typename Store::value_type>;
      node.readers.emplace(
          store_, std::make_shared<const Reader>(store_, ProcessContext::kPrefix, nullptr));
    }
    node.outputs.push_back(edge.index);
    graph.add(std::move(node));
    using Key = StreamKey<typename S::stream_key::type, false>;
    return Stream<Out, Chain<EdgeHead<Out>>, Key>(graph, {EdgeHead<Out>{edge}, {}}, traits,
                                                  "process '" + store_ + "'");
  }

  std::string store_;
  Processor processor_;
};

template <class Processor>
Process<Processor> process(std::string store, Processor processor) {
  return Process<Processor>(std::move(store), std::move(processor));
}

}  // namespace millrace
