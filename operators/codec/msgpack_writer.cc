#include "millrace/operators/codec/msgpack_writer.h"

#include <bit>
#include <cstdint>
#include <limits>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

constexpr std::uint64_t kMax8 = std::numeric_limits<std::uint8_t>::max();
constexpr std::uint64_t kMax16 = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();

}  // namespace

/// Appends `type` and the lowest `bytes` bytes of `number`, the highest first.
MsgpackWriter& MsgpackWriter::put(unsigned char type, std::uint64_t number, unsigned bytes) {
  out_ += static_cast<char>(type);
  while (bytes > 0) out_ += static_cast<char>(number >> 8 * --bytes & 0xff);
  return *this;
}

MsgpackWriter& MsgpackWriter::map(std::uint32_t size) {
  if (size < 16) return put(static_cast<unsigned char>(0x80 | size), 0, 0);
  return size <= kMax16 ? put(0xde, size, 2) : put(0xdf, size, 4);
}

MsgpackWriter& MsgpackWriter::array(std::uint32_t size) {
  if (size < 16) return put(static_cast<unsigned char>(0x90 | size), 0, 0);
  return size <= kMax16 ? put(0xdc, size, 2) : put(0xdd, size, 4);
}

MsgpackWriter& MsgpackWriter::string(std::string_view text) {
  MILLRACE_CHECK(text.size() <= kMax32, "a MessagePack text has less than 4 GiB");
  if (text.size() < 32) {
    put(static_cast<unsigned char>(0xa0 | text.size()), 0, 0);
  } else if (text.size() <= kMax8) {
    put(0xd9, text.size(), 1);
  } else if (text.size() <= kMax16) {
    put(0xda, text.size(), 2);
  } else {
    put(0xdb, text.size(), 4);
  }
  out_ += text;
  return *this;
}

MsgpackWriter& MsgpackWriter::bytes(std::string_view bytes) {
  MILLRACE_CHECK(bytes.size() <= kMax32, "MessagePack bytes are less than 4 GiB");
  if (bytes.size() <= kMax8) {
    put(0xc4, bytes.size(), 1);
  } else if (bytes.size() <= kMax16) {
    put(0xc5, bytes.size(), 2);
  } else {
    put(0xc6, bytes.size(), 4);
  }
  out_ += bytes;
  return *this;
}

MsgpackWriter& MsgpackWriter::signed_integer(std::int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= -32) return put(static_cast<unsigned char>(bits & 0xff), 0, 0);
  if (value >= std::numeric_limits<std::int8_t>::min()) return put(0xd0, bits, 1);
  if (value >= std::numeric_limits<std::int16_t>::min()) return put(0xd1, bits, 2);
  if (value >= std::numeric_limits<std::int32_t>::min()) return put(0xd2, bits, 4);
  return put(0xd3, bits, 8);
}

MsgpackWriter& MsgpackWriter::unsigned_integer(std::uint64_t value) {
  if (value < 0x80) return put(static_cast<unsigned char>(value), 0, 0);
  if (value <= kMax8) return put(0xcc, value, 1);
  if (value <= kMax16) return put(0xcd, value, 2);
  if (value <= kMax32) return put(0xce, value, 4);
  return put(0xcf, value, 8);
}

MsgpackWriter& MsgpackWriter::number(double value) {
  return put(0xcb, std::bit_cast<std::uint64_t>(value), 8);
}

}  // namespace millrace
