#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/stream.h"
#include "millrace/operators/keyed.h"
#include "millrace/operators/keyed_fold.h"
#include "millrace/operators/through.h"

namespace millrace {

/// Emits a result for each record, in order: every state a key goes through, once.
struct OnUpdate {
  static constexpr bool kEachUpdate = true;
  static constexpr std::string_view kText = "on update";
};
inline OnUpdate on_update() { return {}; }

/// Emits the latest result of each key that changed since the last commit: as few as there can be,
/// which ones depends on when commits fall.
struct OnCommit {
  static constexpr bool kEachUpdate = false;
  static constexpr std::string_view kText = "on commit";
};
inline OnCommit on_commit() { return {}; }

namespace fold_detail {

/// What crosses a repartition topic of values that nobody looks at.
struct Nothing {};
inline auto millrace_fields(const Nothing*) { return fields<Nothing>(); }

/// Lets the values go where only their keys count.
struct Forget {
  static constexpr std::string_view kName = "key only";
  template <class>
  struct Output {
    using type = Nothing;
  };
  template <class T, class Next>
  void operator()(T&&, const RecordInfo& info, Next&& next) {
    next(Nothing{}, info);
  }
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

/// Keeps one value per key, changed by each record of the key: the graph operator behind
/// aggregate(), count() and reduce().
///
/// By key, in one store. Behind key_by(...) the stream is cut first, through
/// `<application-id>-<store>-repartition`; without a change of the key it is not. Written: one
/// changelog record per changed key and commit, results by the `Emission`. A record without a key
/// is left out, with one warning. Restart: restored from the changelog. The order of records of one
/// key is that of their partition; those of several partitions meet in any order.
///
///     stream | key_by(&Order::customer) | count("orders-per-customer") | to("counts", codec)
template <class Fold, class Emission>
class Aggregate {
 public:
  using graph_operator = void;
  Aggregate(std::string store, Fold fold) : store_(std::move(store)), fold_(std::move(fold)) {}

  template <class S>
  auto apply(S&& stream) && {
    Fold::template check<typename S::value_type>();
    if constexpr (!S::stream_key::moved)
      return finish(std::move(stream), {store_});
    else if constexpr (Fold::kLooks)
      return finish(std::move(stream) | through(store_), {});
    else
      return finish(std::move(stream) | fold_detail::Forget{} | through(store_), {});
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
    const EdgeId<R> edge = graph.template new_edge<R>();
    NodeSpec node = std::move(stream).close(Folding(store_, std::move(fold_), edge));
    node.operators.push_back(std::string(Fold::kName) + " " + store_ + " (" +
                             std::string(Emission::kText) + ")");
    node.stores = std::move(stores);
    node.outputs.push_back(edge.index);
    graph.add(std::move(node));
    return Stream<R, Chain<EdgeHead<R>>, StreamKey<K, false>>(
        graph, {EdgeHead<R>{edge}, {}}, traits, std::string(Fold::kName) + " '" + store_ + "'");
  }

  std::string store_;
  Fold fold_;
};

/// Folds the values of each key into a V: `add(V& aggregate, const T& value)`, beginning with a
/// copy of `initial`. Results are Keyed<K, V>.
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
