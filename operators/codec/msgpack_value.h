#pragma once

#include <cstdint>

namespace millrace {

/// How reading a MessagePack value ended.
enum class MsgpackEnd : std::uint8_t {
  kComplete,
  kCutShort,   ///< the bytes end inside the value
  kMalformed,  ///< a byte that begins no value
};

/// The first bytes of a MessagePack value: what it is, and how much follows.
struct MsgpackHead {
  enum class Type : std::uint8_t {
    kNil,
    kBool,
    kInteger,
    kDouble,
    kText,
    kBytes,  ///< binary, or an extension
    kArray,
    kMap,
  };

  Type type = Type::kNil;
  bool boolean = false;
  bool negative = false;
  std::uint64_t magnitude = 0;  ///< of an integer
  double number = 0;
  std::uint64_t size = 0;  ///< bytes behind the head, or values of an array, or pairs of a map
};

/// Reads the head of the value at `cursor`, and moves `cursor` behind it. What must follow a text
/// or bytes need not be there.
MsgpackEnd read_msgpack_head(const char*& cursor, const char* end, MsgpackHead& head);

/// Moves `cursor` behind `values` values with everything in them, however deep. Takes time and no
/// memory: a length or a count that the bytes cannot hold ends it at once.
MsgpackEnd skip_msgpack(const char*& cursor, const char* end, std::uint64_t values = 1);

}  // namespace millrace
