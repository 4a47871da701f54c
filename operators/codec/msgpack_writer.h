#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// Appends MessagePack to a string: a map, in it as many keys as it says, each followed by a value.
/// Writes the shortest form of each. Not thread-safe.
class MsgpackWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit MsgpackWriter(std::string& out) : out_(out) {}

  /// Begins a map or an array of `size` pairs or values.
  MsgpackWriter& map(std::uint32_t size);
  MsgpackWriter& array(std::uint32_t size);
  MsgpackWriter& key(std::string_view name) { return string(name); }
  /// Bytes that are not UTF-8 stay what they are. REQUIRES: less than 4 GiB.
  MsgpackWriter& string(std::string_view text);
  /// Binary. REQUIRES: less than 4 GiB.
  MsgpackWriter& bytes(std::string_view bytes);
  template <std::integral I>
  requires(!std::same_as<I, bool>) MsgpackWriter& integer(I value) {
    if constexpr (std::signed_integral<I>) {
      return signed_integer(value);
    } else {
      return unsigned_integer(value);
    }
  }
  MsgpackWriter& number(double value);
  MsgpackWriter& boolean(std::same_as<bool> auto value) {
    out_ += value ? '\xc3' : '\xc2';
    return *this;
  }
  MsgpackWriter& nil() {
    out_ += '\xc0';
    return *this;
  }

 private:
  MsgpackWriter& signed_integer(std::int64_t value);
  MsgpackWriter& unsigned_integer(std::uint64_t value);
  MsgpackWriter& put(unsigned char type, std::uint64_t number, unsigned bytes);

  std::string& out_;
};

}  // namespace millrace
