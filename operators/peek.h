#pragma once

#include <concepts>
#include <functional>
#include <string_view>
#include <utility>

#include "millrace/framework/record_info.h"

namespace millrace {

/// Shows each value to a function and passes it on.
///
/// Stateless; nothing is written. The function is called again for records that are processed again
/// after an abort.
///
///     stream | peek([](const Order& order) { debugger.show(order); })
template <class Function>
class Peek {
 public:
  static constexpr std::string_view kName = "peek";
  template <class T>
  struct Output {
    static_assert(std::invocable<Function&, const T&>,
                  "peek(f): f must be callable with the stream's value");
    using type = T;
  };

  explicit Peek(Function function) : function_(std::move(function)) {}

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    std::invoke(function_, std::as_const(value));
    next(std::forward<T>(value), info);
  }

 private:
  Function function_;
};

template <class Function>
Peek<Function> peek(Function function) {
  return Peek<Function>(std::move(function));
}

}  // namespace millrace
