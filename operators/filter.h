#pragma once

#include <concepts>
#include <functional>
#include <string_view>
#include <utility>

#include "millrace/framework/record_info.h"

namespace millrace {

/// Keeps the values for which a predicate holds.
///
/// Stateless; the key stays; nothing is written; a restart changes nothing.
///
///     stream | filter([](const Order& order) { return order.total > 0; })
template <class Keep>
class Filter {
 public:
  static constexpr std::string_view kName = "filter";
  template <class T>
  struct Output {
    static_assert(std::predicate<Keep&, const T&>,
                  "filter(f): f must be callable with the stream's value and return bool");
    using type = T;
  };

  explicit Filter(Keep keep) : keep_(std::move(keep)) {}

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    if (std::invoke(keep_, std::as_const(value))) next(std::forward<T>(value), info);
  }

 private:
  Keep keep_;
};

template <class Keep>
Filter<Keep> filter(Keep keep) {
  return Filter<Keep>(std::move(keep));
}

}  // namespace millrace
