#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/topology_builder.h"

namespace millrace {

/// What the cases pipe: the whole value as text.
struct TextSource {
  using value_type = std::string_view;
  DecodeOutcome decode(const RecordView& record, Arena&, std::string_view& value) {
    value = record.value;
    return {};
  }
  std::string describe() const { return "text"; }
};

/// The smallest operator: passes every value on.
struct Pass {
  static constexpr std::string_view kName = "pass";
  template <class T>
  struct Output {
    using type = T;
  };
  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    next(std::forward<T>(value), info);
  }
};

inline auto frames(TopologyBuilder& topology) { return topology.source("frames", TextSource{}); }

}  // namespace millrace
