#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/stream.h"
#include "millrace/operators/keyed.h"
#include "millrace/operators/keyed_fold.h"
#include "millrace/operators/keyed_reader.h"
#include "millrace/operators/through.h"
#include "millrace/operators/windows.h"

namespace millrace {

/// Emits a result for each record, in order: every state a key goes through, once.
struct OnUpdate {
  static constexpr bool kEachUpdate = true;
  static constexpr bool kOnClose = false;
  static constexpr std::string_view kText = "on update";
};
inline OnUpdate on_update() { return {}; }

/// Emits the latest result of each key that changed since the last commit: as few as there can be,
/// which ones depends on when commits fall.
struct OnCommit {
  static constexpr bool kEachUpdate = false;
  static constexpr bool kOnClose = false;
  static constexpr std::string_view kText = "on commit";
};
inline OnCommit on_commit() { return {}; }

/// Emits each window's keys when the window closes, as final; again, with the next revision, those
/// that change after an early close (design §5.5).
struct OnClose {
  static constexpr bool kEachUpdate = false;
  static constexpr bool kOnClose = true;
  static constexpr std::string_view kText = "on close";
};
inline OnClose on_close() { return {}; }

namespace fold_detail {

/// What crosses a repartition topic of values that nobody looks at.
struct Nothing {};
inline auto millrace_fields(const Nothing*) { return fields<Nothing>(); }

/// Makes values ready for a repartition topic: without their windows, and without themselves where
/// only their keys count.
template <bool kKeepsValue>
struct Unpack {
  static constexpr std::string_view kName = kKeepsValue ? "value" : "key only";
  template <class In>
  struct Output {
    using type = std::conditional_t<kKeepsValue, typename Unwindowed<In>::type, Nothing>;
  };
  template <class In, class Next>
  void operator()(In&& value, const RecordInfo& info, Next&& next) {
    if constexpr (!kKeepsValue)
      next(Nothing{}, info);
    else if constexpr (is_windowed<std::remove_cvref_t<In>>)
      next(std::forward<In>(value).value, info);
    else
      next(std::forward<In>(value), info);
  }
};

/// Finds a value's windows again behind a repartition topic, from its time and its partition's
/// watermark: the same ones. What was late has been counted before.
class FindWindows {
 public:
  static constexpr std::string_view kName = "windows as before";
  template <class T>
  struct Output {
    using type = Windowed<T>;
  };
  explicit FindWindows(std::shared_ptr<const WindowPlan> plan) : assigner_(std::move(plan)) {}
  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    const WindowAssignment& windows = assigner_.assign(info.event_time_ms, info.watermark_ms);
    next(Windowed<std::remove_cvref_t<T>>{std::forward<T>(value), &windows}, info);
  }
  void on_commit() { assigner_.forget(); }
  void on_abort() { assigner_.forget(); }

 private:
  WindowAssigner assigner_;
};

template <class Initial, class Add>
struct AddTo {
  static constexpr std::string_view kName = "aggregate";
  static constexpr bool kLooks = true;
  template <class T>
  using Value = Initial;
  template <class T>
  static constexpr void check() {
    static_assert(std::invocable<Add&, Initial&, const T&>,
                  "aggregate(store, initial, add): add must be callable with the aggregate and the "
                  "stream's value, as add(V&, const T&)");
  }

  template <class T>
  void operator()(std::optional<Initial>& state, const T& value) {
    if (!state) state = initial;
    std::invoke(add, *state, value);
  }
  Initial initial;
  Add add;
};

struct CountEach {
  static constexpr std::string_view kName = "count";
  static constexpr bool kLooks = false;
  template <class T>
  using Value = std::int64_t;
  template <class T>
  static constexpr void check() {}

  template <class T>
  void operator()(std::optional<std::int64_t>& state, const T&) {
    state = state.value_or(0) + 1;
  }
};

template <class Function>
struct ReduceBy {
  static constexpr std::string_view kName = "reduce";
  static constexpr bool kLooks = true;
  template <class T>
  using Value = T;
  template <class T>
  static constexpr void check() {
    static_assert(
        std::is_invocable_r_v<T, Function&, const T&, const T&>,
        "reduce(store, f): f must take two of the stream's values and return one like them");
  }

  template <class T>
  void operator()(std::optional<T>& state, const T& value) {
    if (state)
      state = function(std::as_const(*state), value);
    else
      state = value;
  }
  Function function;
};

}  // namespace fold_detail

/// Keeps one value per key, or per key and window behind windows(...), changed by each record of
/// the key: the graph operator behind aggregate(), count() and reduce().
///
/// By key, in one store. Behind key_by(...) the stream is cut first, through
/// `<application-id>-<store>-repartition`; without a change of the key it is not. Written: one
/// changelog record per changed key and commit, results by the `Emission`. A record without a key
/// is left out, with one warning; a late one was counted by windows(...). Restart: restored from
/// the changelog.
///
/// The order of records of one key is that of their partition; those of several partitions meet in
/// any order. Results have the stream's key. On update they come in the order of the records. On
/// close they come per partition of the key ordered by window end, duration, kind and then the
/// key's bytes, in one run without an early close each once and the same bytes whatever the number
/// of threads (if `add` does not mind in which order partitions meet); a window's results are in
/// one transaction. A closed window's state is dropped as one range when every source's own
/// watermark has passed it.
///
///     stream | key_by(&Order::customer) | count("orders-per-customer") | to("counts", codec)
template <class Fold, class Emission>
class Aggregate {
 public:
  using graph_operator = void;
  Aggregate(std::string store, Fold fold) : store_(std::move(store)), fold_(std::move(fold)) {}

  template <class S>
  auto apply(S&& stream) && {
    using In = typename S::value_type;
    static_assert(is_windowed<In> || !Emission::kOnClose,
                  "on_close() emits when windows close: put windows(...) before it, or emit "
                  "on_update() or on_commit()");
    Fold::template check<typename fold_detail::Unwindowed<In>::type>();
    if constexpr (!S::stream_key::moved) {
      return finish(std::move(stream), {store_});
    } else if constexpr (is_windowed<In>) {
      auto plan = stream.traits().windows;
      return finish(std::move(stream) | fold_detail::Unpack<Fold::kLooks>{} | through(store_) |
                        fold_detail::FindWindows(std::move(plan)),
                    {});
    } else {
      return finish(std::move(stream) | fold_detail::Unpack<Fold::kLooks>{} | through(store_), {});
    }
  }

 private:
  /// `stores`: those that the node adds to its task; a task that reads a repartition topic has the
  /// store of that name already.
  template <class S>
  auto finish(S stream, std::vector<std::string> stores) {
    using K = typename S::stream_key::type;
    using Folding = fold_detail::KeyedFold<typename S::value_type, K, Fold, Emission>;
    using R = typename Folding::Result;
    Graph& graph = stream.graph();
    StreamTraits traits = stream.traits();
    traits.behind_edge = true;
    traits.windows_text.clear();
    fold_detail::FoldOptions options{store_, std::move(traits.windows), traits.lateness_ms};
    traits.windows = nullptr;
    if constexpr (is_windowed<typename S::value_type>) {
      traits.has_event_time = false;
      traits.results_of_windows = true;
    } else {
      options.plan = nullptr;
    }
    const EdgeId<R> edge = graph.template new_edge<R>();
    const char prefix = options.plan ? KeyedWindows::kValuePrefix : fold_detail::kKeyPrefix.front();
    auto reader =
        std::make_shared<const KeyedReaderOf<K, typename Folding::V>>(store_, prefix, options.plan);
    NodeSpec node = std::move(stream).close(Folding(std::move(options), std::move(fold_), edge));
    node.operators.push_back(std::string(Fold::kName) + " " + store_ + " (" +
                             std::string(Emission::kText) + ")");
    node.stores = std::move(stores);
    node.readers.emplace(store_, std::move(reader));
    node.outputs.push_back(edge.index);
    graph.add(std::move(node));
    return Stream<R, Chain<EdgeHead<R>>, StreamKey<K, false>>(
        graph, {EdgeHead<R>{edge}, {}}, traits, std::string(Fold::kName) + " '" + store_ + "'");
  }

  std::string store_;
  Fold fold_;
};

/// Folds the values of each key into a V: `add(V& aggregate, const T& value)`, beginning with a
/// copy of `initial`. Results are Keyed<K, V>, behind windows(...) KeyedWindow<K, V>.
///
/// A V that is a std::optional takes a key out of the store when it is left empty; that result is
/// emitted too.
///
///     stream | key_by(&Order::customer)
///            | aggregate("totals", Total{}, [](Total& t, const Order& o) { t.cents += o.cents; })
template <class V, class Add, class Emission = OnUpdate>
auto aggregate(std::string store, V initial, Add add, Emission = {}) {
  using Fold = fold_detail::AddTo<V, Add>;
  return Aggregate<Fold, Emission>(std::move(store), Fold{std::move(initial), std::move(add)});
}

/// Counts the records of each key. Results are Keyed<K, std::int64_t>. Values need no Format: they
/// do not cross the repartition topic.
///
///     stream | key_by(&Order::customer) | count("orders-per-customer")
template <class Emission = OnUpdate>
auto count(std::string store, Emission = {}) {
  return Aggregate<fold_detail::CountEach, Emission>(std::move(store), {});
}

/// Combines the values of each key into one of the same type: `f(const T& so_far, const T& value)`;
/// the first value stands for itself. Results are Keyed<K, T>.
///
///     stream | key_by(&Bid::item) | reduce("best", [](const Bid& a, const Bid& b) { ... })
template <class Function, class Emission = OnUpdate>
auto reduce(std::string store, Function function, Emission = {}) {
  using Fold = fold_detail::ReduceBy<Function>;
  return Aggregate<Fold, Emission>(std::move(store), Fold{std::move(function)});
}

}  // namespace millrace
