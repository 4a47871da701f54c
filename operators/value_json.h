#pragma once

#include <chrono>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/base64.h"
#include "millrace/framework/format.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {
namespace value_json_detail {

template <class T>
struct Write {
  static void value(const T& value, JsonWriter& json) {
    if constexpr (std::same_as<T, bool>) {
      json.boolean(value);
    } else if constexpr (std::is_enum_v<T>) {
      json.integer(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::integral<T>) {
      json.integer(value);
    } else if constexpr (std::floating_point<T>) {
      json.number(static_cast<double>(value));
    } else if constexpr (std::same_as<T, std::string>) {
      json.string(value);
    } else if constexpr (format_detail::HasFields<T>) {
      json.begin_array();
      std::apply([&](auto... member) { (element(value.*member, json), ...); },
                 millrace_fields(static_cast<const T*>(nullptr)));
      json.end_array();
    } else {  // it has a Format of its own
      std::string bytes;
      ByteWriter out(bytes);
      Format<T>::write(value, out);
      json.string(to_base64(bytes));
    }
  }

  template <class Member>
  static void element(const Member& member, JsonWriter& json) {
    Write<Member>::value(member, json.element());
  }
};

template <class Duration>
struct Write<std::chrono::sys_time<Duration>> {
  static void value(const std::chrono::sys_time<Duration>& time, JsonWriter& json) {
    json.integer(static_cast<std::int64_t>(time.time_since_epoch().count()));
  }
};

template <class T>
struct Write<std::optional<T>> {
  static void value(const std::optional<T>& value, JsonWriter& json) {
    value ? Write<T>::value(*value, json) : static_cast<void>(json.null());
  }
};

template <class A, class B>
struct Write<std::pair<A, B>> {
  static void value(const std::pair<A, B>& value, JsonWriter& json) {
    json.begin_array();
    Write<std::remove_const_t<A>>::value(value.first, json.element());
    Write<B>::value(value.second, json.element());
    json.end_array();
  }
};

template <class T>
struct Write<std::vector<T>> {
  static void value(const std::vector<T>& values, JsonWriter& json) {
    json.begin_array();
    for (const T& value : values) Write<T>::value(value, json.element());
    json.end_array();
  }
};

template <class K, class V>
struct Write<std::map<K, V>> {
  static void value(const std::map<K, V>& values, JsonWriter& json) {
    if constexpr (std::same_as<K, std::string>) {
      json.begin_object();
      for (const auto& [key, value] : values) Write<V>::value(value, json.key(key));
      json.end_object();
    } else {
      json.begin_array();
      for (const auto& entry : values) Write<std::pair<const K, V>>::value(entry, json.element());
      json.end_array();
    }
  }
};

}  // namespace value_json_detail

/// Writes a value of a store for people: numbers (enums and times too), texts, booleans; empty
/// optionals as null; a struct as the array of its fields; a map with text keys as an object, any
/// other as an array of pairs; what has a Format of its own as its bytes in base64.
template <class T>
void write_value_json(const T& value, JsonWriter& json) {
  value_json_detail::Write<T>::value(value, json);
}

}  // namespace millrace
