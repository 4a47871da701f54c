#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "millrace/framework/record_info.h"
#include "millrace/framework/task_context.h"

namespace millrace {

/// A run of fused operators, compiled into nested calls: no virtual call and no allocation between
/// them.
///
/// A fused operator is a copyable class with a call operator `(value, info, next)` that calls
/// `next(value, info)` any number of times, and a nested `template <class T> struct Output { using
/// type = ...; }` that static_asserts, in one human sentence, what it accepts. Optional hooks,
/// found by their presence: open(TaskContext&), on_watermark(ms, next), before_commit(next),
/// on_commit(), on_abort(), end_batch(), describe(), tuning(), annotate(StreamTraits&, Graph&). One
/// that changes the key has a nested `template <class T> using Key = StreamKey<K, true>`.
template <class... Operators>
class OperatorChain {
 public:
  explicit OperatorChain(std::tuple<Operators...> operators) : operators_(std::move(operators)) {}

  template <class T>
  void run(T&& value, const RecordInfo& info) {
    run_from<0>(std::forward<T>(value), info);
  }

  void open(TaskContext& context) {
    each([&](auto& op, auto&&) {
      if constexpr (requires { op.open(context); }) op.open(context);
    });
  }
  void watermark(std::int64_t watermark_ms) {
    each([&](auto& op, auto&& next) {
      if constexpr (requires { op.on_watermark(watermark_ms, next); })
        op.on_watermark(watermark_ms, next);
    });
  }
  void flush() {
    each([&](auto& op, auto&& next) {
      if constexpr (requires { op.before_commit(next); }) op.before_commit(next);
    });
    end_batch();
  }
  void end_batch() {
    each([&](auto& op, auto&&) {
      if constexpr (requires { op.end_batch(); }) op.end_batch();
    });
  }
  void committed() {
    each([&](auto& op, auto&&) {
      if constexpr (requires { op.on_commit(); }) op.on_commit();
    });
  }
  void aborted() {
    each([&](auto& op, auto&&) {
      if constexpr (requires { op.on_abort(); }) op.on_abort();
    });
  }

  /// Appends how many values have come to each operator.
  void count_records(std::vector<std::uint64_t>& counts) const {
    counts.insert(counts.end(), taken_.begin(), taken_.end());
  }

 private:
  template <std::size_t I, class T>
  void run_from(T&& value, const RecordInfo& info) {
    if constexpr (I < sizeof...(Operators)) {
      ++taken_[I];
      std::get<I>(operators_)(std::forward<T>(value), info, next_after<I>());
    }
  }
  template <std::size_t I>
  auto next_after() {
    return [this](auto&& value, const RecordInfo& info) {
      run_from<I + 1>(std::forward<decltype(value)>(value), info);
    };
  }
  template <class Visit>
  void each(Visit visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (visit(std::get<I>(operators_), next_after<I>()), ...);
    }
    (std::index_sequence_for<Operators...>{});
  }

  std::tuple<Operators...> operators_;
  std::array<std::uint64_t, sizeof...(Operators)> taken_{};
};

/// What may be changed about the operators over kept state, for describe().
template <class... Operators>
std::vector<std::string> tuning_of(const std::tuple<Operators...>& operators) {
  std::vector<std::string> lines;
  const auto add = [&](const auto& op) {
    if constexpr (requires { op.tuning(); }) lines.push_back(op.tuning());
  };
  std::apply([&](const auto&... op) { (add(op), ...); }, operators);
  return lines;
}

/// One line about an operator, for describe().
template <class Operator>
std::string describe_operator(const Operator& op) {
  if constexpr (requires { op.describe(); })
    return op.describe();
  else
    return std::string(Operator::kName);
}

template <class... Operators>
std::vector<std::string> describe_operators(const std::tuple<Operators...>& operators) {
  return std::apply(
      [](const auto&... op) { return std::vector<std::string>{describe_operator(op)...}; },
      operators);
}

}  // namespace millrace
