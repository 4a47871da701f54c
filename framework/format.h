#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/byte_order.h"

namespace millrace {

/// How a type is written where it outlives the task: stores, changelogs, repartition topics.
/// Little-endian, compact.
///
/// Built in for arithmetic types, enums, std::string, std::chrono::sys_time (its count, in 8
/// bytes), and optional, vector, pair and map of these. A struct declares its members once, beside
/// it, in its own namespace:
///
///     auto millrace_fields(const User*) { return millrace::fields<User>(&User::id, &User::n); }
///
/// Views and pointers are refused: what they point to does not outlive the batch.
template <class T>
struct Format;

/// The members of T that make up its format, in this order.
template <class T, class... Members>
constexpr std::tuple<Members T::*...> fields(Members T::*... members) {
  return {members...};
}

namespace format_detail {
template <class T>
inline constexpr bool is_view =
    std::is_pointer_v<T> || std::is_reference_v<T> || std::same_as<T, std::string_view>;
template <class T>
concept HasFields = requires(const T* t) {
  millrace_fields(t);
};
template <class>
inline constexpr bool never = false;
}  // namespace format_detail

template <class T>
struct Format {
  static void write(const T& value, ByteWriter& out) {
    static_assert(!format_detail::is_view<T>,
                  "a view or pointer cannot enter a store or cross a topic: it would outlive what "
                  "it points to; use an owned "
                  "type such as std::string");
    if constexpr (std::is_enum_v<T>) {
      out.put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::integral<T>) {
      out.put(value);
    } else if constexpr (std::same_as<T, double>) {
      out.put(std::bit_cast<std::uint64_t>(value));
    } else if constexpr (std::same_as<T, float>) {
      out.put(std::bit_cast<std::uint32_t>(value));
    } else if constexpr (format_detail::HasFields<T>) {
      std::apply([&](auto... member) { (write_member(value.*member, out), ...); },
                 millrace_fields(static_cast<const T*>(nullptr)));
    } else {
      static_assert(format_detail::never<T>,
                    "this type has no format: declare millrace_fields(const T*) beside it to let "
                    "it enter a store or cross a "
                    "topic");
    }
  }

  static T read(ByteReader& in) {
    static_assert(!format_detail::is_view<T>, "a view or pointer cannot be read back");
    if constexpr (std::is_enum_v<T>) {
      return static_cast<T>(in.get<std::underlying_type_t<T>>());
    } else if constexpr (std::integral<T>) {
      return in.get<T>();
    } else if constexpr (std::same_as<T, double>) {
      return std::bit_cast<double>(in.get<std::uint64_t>());
    } else if constexpr (std::same_as<T, float>) {
      return std::bit_cast<float>(in.get<std::uint32_t>());
    } else {
      T value{};
      std::apply([&](auto... member) { (read_member(value.*member, in), ...); },
                 millrace_fields(static_cast<const T*>(nullptr)));
      return value;
    }
  }

 private:
  template <class Member>
  static void write_member(const Member& member, ByteWriter& out) {
    Format<Member>::write(member, out);
  }
  template <class Member>
  static void read_member(Member& member, ByteReader& in) {
    member = Format<Member>::read(in);
  }
};

template <>
struct Format<std::string> {
  static void write(const std::string& value, ByteWriter& out) { out.text(value); }
  static std::string read(ByteReader& in) { return std::string(in.text()); }
};

template <class Duration>
requires std::integral<typename Duration::rep>
struct Format<std::chrono::sys_time<Duration>> {
  using Time = std::chrono::sys_time<Duration>;
  static void write(const Time& value, ByteWriter& out) {
    out.put(static_cast<std::int64_t>(value.time_since_epoch().count()));
  }
  static Time read(ByteReader& in) {
    return Time{Duration{static_cast<typename Duration::rep>(in.get<std::int64_t>())}};
  }
};

template <class T>
struct Format<std::optional<T>> {
  static void write(const std::optional<T>& value, ByteWriter& out) {
    out.put(value.has_value());
    if (value) Format<T>::write(*value, out);
  }
  static std::optional<T> read(ByteReader& in) {
    if (!in.get<bool>()) return std::nullopt;
    return Format<T>::read(in);
  }
};

template <class A, class B>
struct Format<std::pair<A, B>> {
  static void write(const std::pair<A, B>& value, ByteWriter& out) {
    Format<std::remove_const_t<A>>::write(value.first, out);
    Format<B>::write(value.second, out);
  }
  static std::pair<A, B> read(ByteReader& in) {
    A first = Format<std::remove_const_t<A>>::read(in);
    return {std::move(first), Format<B>::read(in)};
  }
};

template <class T>
struct Format<std::vector<T>> {
  static void write(const std::vector<T>& values, ByteWriter& out) {
    out.put(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) Format<T>::write(value, out);
  }
  static std::vector<T> read(ByteReader& in) {
    std::vector<T> values;
    for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left)
      values.push_back(Format<T>::read(in));
    return values;
  }
};

template <class K, class V>
struct Format<std::map<K, V>> {
  static void write(const std::map<K, V>& values, ByteWriter& out) {
    out.put(static_cast<std::uint32_t>(values.size()));
    for (const auto& entry : values) Format<std::pair<const K, V>>::write(entry, out);
  }
  static std::map<K, V> read(ByteReader& in) {
    std::map<K, V> values;
    for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
      K key = Format<K>::read(in);
      values.emplace(std::move(key), Format<V>::read(in));
    }
    return values;
  }
};

/// How a key is written as a record key: text as its bytes, as Kafka's string serialisers do (so
/// that topics co-partition with Java programs), everything else by its Format.
template <class T>
void encode_key(const T& key, std::string& out) {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    out.append(std::string_view(key));
  } else {
    ByteWriter writer(out);
    Format<T>::write(key, writer);
  }
}

}  // namespace millrace
