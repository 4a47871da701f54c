#pragma once

#include <concepts>
#include <functional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/graph.h"
#include "millrace/framework/record_info.h"

namespace millrace {

/// Turns each value into a range of values, in order.
///
/// Stateless; the key stays; nothing is written; a restart changes nothing. Stands behind
/// event_time, not before it: one record has one time.
///
///     stream | flat_map([](const Order& order) { return order.items; })
template <class Function>
class FlatMap {
 public:
  static constexpr std::string_view kName = "flat_map";
  template <class T>
  struct Output {
    static_assert(std::invocable<Function&, T&&>,
                  "flat_map(f): f must be callable with the stream's value");
    using Range = std::remove_cvref_t<std::invoke_result_t<Function&, T&&>>;
    static_assert(std::ranges::input_range<Range>,
                  "flat_map(f): f must return a range, such as std::vector");
    using type = std::ranges::range_value_t<Range>;
  };

  explicit FlatMap(Function function) : function_(std::move(function)) {}

  void annotate(StreamTraits& traits, Graph&) const { traits.one_to_many = true; }

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    auto range = std::invoke(function_, std::forward<T>(value));
    for (auto&& element : range)
      next(std::ranges::range_value_t<decltype(range)>(std::move(element)), info);
  }

 private:
  Function function_;
};

template <class Function>
FlatMap<Function> flat_map(Function function) {
  return FlatMap<Function>(std::move(function));
}

}  // namespace millrace
