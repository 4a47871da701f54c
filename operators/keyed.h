#pragma once

#include <cstdint>
#include <tuple>

#include "millrace/framework/format.h"
#include "millrace/operators/window_definition.h"

namespace millrace {

/// The result of an aggregation per key: what the key has come to.
template <class K, class V>
struct Keyed {
  K key{};
  V value{};

  bool operator==(const Keyed&) const = default;
};
template <class K, class V>
auto millrace_fields(const Keyed<K, V>*) {
  using R = Keyed<K, V>;
  return fields<R>(&R::key, &R::value);
}

/// The result of an aggregation per key and window. Flat, so that a codec can bind each member.
template <class K, class V>
struct KeyedWindow {
  K key{};
  std::int64_t start_ms = 0;  ///< belongs to the window
  std::int64_t end_ms = 0;    ///< does not
  V value{};
  bool final = false;          ///< the window had closed
  std::uint32_t revision = 0;  ///< how often it had been emitted as final for this key before

  Window window() const { return {start_ms, end_ms}; }
  bool operator==(const KeyedWindow&) const = default;
};
template <class K, class V>
auto millrace_fields(const KeyedWindow<K, V>*) {
  using R = KeyedWindow<K, V>;
  return fields<R>(&R::key, &R::start_ms, &R::end_ms, &R::value, &R::final, &R::revision);
}

}  // namespace millrace
