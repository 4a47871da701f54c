#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace millrace {

/// Appends integers in little-endian order: the byte order of every format that outlives a process.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <std::integral T>
  ByteWriter& put(T value) {
    using U = std::make_unsigned_t<std::conditional_t<std::same_as<T, bool>, std::uint8_t, T>>;
    auto bits = static_cast<U>(value);
    for (std::size_t i = 0; i < sizeof(U); ++i) {
      out_.push_back(static_cast<char>(bits & 0xff));
      if constexpr (sizeof(U) > 1) bits = static_cast<U>(bits >> 8);
    }
    return *this;
  }
  /// Seven bits a byte, the low ones first: small numbers take little.
  ByteWriter& varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  ByteWriter& bytes(std::string_view text) {
    out_.append(text);
    return *this;
  }
  /// Length (32 bits), then the bytes.
  ByteWriter& text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    return bytes(text);
  }

 private:
  std::string& out_;
};

/// Reads what ByteWriter wrote. Reading beyond the end gives zeros and makes ok() false; never
/// undefined behaviour.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  template <std::integral T>
  T get() {
    using U = std::make_unsigned_t<std::conditional_t<std::same_as<T, bool>, std::uint8_t, T>>;
    if (in_.size() < sizeof(U)) {
      in_ = {};
      ok_ = false;
      return T{};
    }
    U bits = 0;
    for (std::size_t i = 0; i < sizeof(U); ++i)
      bits = static_cast<U>(
          bits | static_cast<U>(static_cast<U>(static_cast<unsigned char>(in_[i])) << (8 * i)));
    in_.remove_prefix(sizeof(U));
    return static_cast<T>(bits);
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = get<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view bytes(std::size_t size) {
    if (in_.size() < size) {
      in_ = {};
      ok_ = false;
      return {};
    }
    const std::string_view result = in_.substr(0, size);
    in_.remove_prefix(size);
    return result;
  }
  std::string_view text() { return bytes(get<std::uint32_t>()); }
  std::string_view rest() const { return in_; }
  bool ok() const { return ok_; }
  /// Everything read, nothing missing.
  bool done() const { return ok_ && in_.empty(); }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace millrace
