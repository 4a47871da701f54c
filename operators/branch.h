#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <string_view>
#include <tuple>
#include <utility>

#include "millrace/operators/split.h"

namespace millrace {

/// The last predicate of a branch: takes what no other took.
struct Otherwise {
  template <class T>
  bool operator()(const T&) const {
    return true;
  }
};
inline Otherwise otherwise() { return {}; }

/// Splits a stream by predicates: each value goes to the first that holds, or nowhere when none
/// does.
///
/// Stateless; nothing is written.
///
///     auto [big, rest] = std::move(stream) | branch([](const Order& o) { return o.total > 100; },
///     otherwise());
template <class... Predicates>
class Branch {
 public:
  using graph_operator = void;
  static_assert(sizeof...(Predicates) >= 2,
                "branch(p, q, ...) needs at least two predicates; for one use filter(p)");
  static constexpr std::size_t kCount = sizeof...(Predicates);

  explicit Branch(Predicates... predicates) : predicates_(std::move(predicates)...) {}

  template <class S>
  auto apply(S&& stream) && {
    using T = typename S::value_type;
    static_assert((std::predicate<Predicates&, const T&> && ...),
                  "branch(p, q, ...): each predicate must be callable with the stream's value and "
                  "return bool");
    return Split<kCount>::template fan_out<kCount>(
        std::move(stream), "branch",
        [&](const auto& edges) { return Route<T>(std::move(predicates_), edges); });
  }

 private:
  template <class T>
  class Route {
   public:
    static constexpr std::string_view kName = "branch";
    Route(std::tuple<Predicates...> predicates, const std::array<EdgeId<T>, kCount>& edges)
        : predicates_(std::move(predicates)),
          outputs_([&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<EmitTo<T>, kCount>{EmitTo<T>(edges[I])...};
          }(std::make_index_sequence<kCount>{})) {}

    void open(TaskContext& context) {
      for (auto& output : outputs_) output.open(context);
    }
    template <class Value, class Next>
    void operator()(Value&& value, const RecordInfo& info, Next&& next) {
      route<0>(std::forward<Value>(value), info, next);
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
    template <std::size_t I, class Value, class Next>
    void route(Value&& value, const RecordInfo& info, Next& next) {
      if constexpr (I < kCount) {
        if (std::invoke(std::get<I>(predicates_), std::as_const(value)))
          outputs_[I](std::forward<Value>(value), info, next);
        else
          route<I + 1>(std::forward<Value>(value), info, next);
      }
    }

    std::tuple<Predicates...> predicates_;
    std::array<EmitTo<T>, kCount> outputs_;
  };

  std::tuple<Predicates...> predicates_;
};

template <class... Predicates>
Branch<Predicates...> branch(Predicates... predicates) {
  return Branch<Predicates...>(std::move(predicates)...);
}

}  // namespace millrace
