#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace millrace {
namespace key_text_detail {

template <class T>
inline constexpr bool is_time = false;
template <class Duration>
inline constexpr bool is_time<std::chrono::sys_time<Duration>> = true;

/// Characters wider than one byte are none.
template <class Number>
concept Readable = requires(const char* text, Number& number) {
  std::from_chars(text, text, number);
};

template <class K>
constexpr bool has_text() {
  if constexpr (std::is_enum_v<K>)
    return Readable<std::underlying_type_t<K>>;
  else
    return std::same_as<K, std::string> || std::same_as<K, bool> || is_time<K> || Readable<K>;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return value;
}

}  // namespace key_text_detail

/// Keys of this type can be written in a URL.
template <class K>
inline constexpr bool kHasKeyText = key_text_detail::has_text<K>();

/// Reads a key as people write it: text as it is, true or false, numbers; enums and times as their
/// numbers. None: it is no key of this type.
template <class K>
requires kHasKeyText<K> std::optional<K> key_from_text(std::string_view text) {
  if constexpr (std::same_as<K, std::string>) {
    return std::string(text);
  } else if constexpr (std::same_as<K, bool>) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
  } else if constexpr (std::is_enum_v<K>) {
    const auto value = key_text_detail::number<std::underlying_type_t<K>>(text);
    return value ? std::optional(static_cast<K>(*value)) : std::nullopt;
  } else if constexpr (key_text_detail::is_time<K>) {
    const auto value = key_text_detail::number<std::int64_t>(text);
    return value ? std::optional(
                       K{typename K::duration{static_cast<typename K::duration::rep>(*value)}})
                 : std::nullopt;
  } else {
    return key_text_detail::number<K>(text);
  }
}

}  // namespace millrace
