#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// Appends compact JSON to a string: objects, in them keys each followed by a value; arrays, in
/// them element() before each value. Not thread-safe.
///
///     JsonWriter{out}.begin_object().key("ts").integer(60).key("name").string("a").end_object();
///
/// appends {"ts":60,"name":"a"}.
class JsonWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& key(std::string_view name);
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& element();
  /// Escapes what JSON wants escaped; bytes that are not UTF-8 become U+FFFD.
  JsonWriter& string(std::string_view text);
  template <std::integral I>
  requires(!std::same_as<I, bool>) JsonWriter& integer(I value) {
    if constexpr (std::signed_integral<I>) {
      return signed_integer(value);
    } else {
      return unsigned_integer(value);
    }
  }
  /// The shortest text that reads back as `value`; null if it is not finite.
  JsonWriter& number(double value);
  /// Exactly `decimals` digits behind the point; null if it is not finite.
  JsonWriter& number(double value, int decimals);
  /// Takes bool alone: a pointer or number would turn into one silently.
  JsonWriter& boolean(std::same_as<bool> auto value) {
    out_ += value ? "true" : "false";
    return *this;
  }
  JsonWriter& null();

 private:
  JsonWriter& signed_integer(std::int64_t value);
  JsonWriter& unsigned_integer(std::uint64_t value);

  std::string& out_;
  bool first_ = true;  ///< the next key or element is the first of its object or array
};

}  // namespace millrace
