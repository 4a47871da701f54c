#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/format.h"
#include "millrace/framework/record_info.h"
#include "millrace/framework/stream_key.h"
#include "millrace/framework/task_context.h"

namespace millrace {

/// Gives each value a new key; the value stays.
///
/// Stateless; nothing is written and nothing moves until the next through(...) or stateful
/// operator, which cuts the stream by the new key.
///
///     stream | key_by(&Order::customer) | through("orders-by-customer")
template <class Function>
class KeyBy {
 public:
  static constexpr std::string_view kName = "key_by";
  template <class T>
  struct Output {
    static_assert(
        std::invocable<Function&, const T&>,
        "key_by(f): f must be a member or a function that gives the key of the stream's value");
    using type = T;
  };
  template <class T>
  using Key =
      StreamKey<OwnedKey<std::remove_cvref_t<std::invoke_result_t<Function&, const T&>>>, true>;

  explicit KeyBy(Function function) : function_(std::move(function)) {}

  void open(TaskContext& context) { context_ = &context; }

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    key_.clear();
    encode_key(std::invoke(function_, std::as_const(value)), key_);
    RecordInfo keyed = info;
    keyed.key = context_->scratch().copy(key_);
    next(std::forward<T>(value), keyed);
  }

 private:
  Function function_;
  TaskContext* context_ = nullptr;
  std::string key_;
};

template <class Function>
KeyBy<Function> key_by(Function function) {
  return KeyBy<Function>(std::move(function));
}

}  // namespace millrace
