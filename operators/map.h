#pragma once

#include <concepts>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/record_info.h"

namespace millrace {

/// Turns each value into another one.
///
/// Stateless; the key stays; nothing is written; a restart changes nothing.
///
///     stream | map([](const Order& order) { return order.total; })
template <class Function>
class Map {
 public:
  static constexpr std::string_view kName = "map";
  template <class T>
  struct Output {
    static_assert(std::invocable<Function&, T&&>,
                  "map(f): f must be callable with the stream's value");
    using type = std::remove_cvref_t<std::invoke_result_t<Function&, T&&>>;
    static_assert(!std::is_void_v<type>,
                  "map(f): f must return the new value; to look without changing use peek(f)");
  };

  explicit Map(Function function) : function_(std::move(function)) {}

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    next(std::invoke(function_, std::forward<T>(value)), info);
  }

 private:
  Function function_;
};

template <class Function>
Map<Function> map(Function function) {
  return Map<Function>(std::move(function));
}

}  // namespace millrace
