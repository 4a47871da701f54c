#include "millrace/operators/codec/msgpack_value.h"

#include <array>
#include <bit>
#include <cstddef>

namespace millrace {
namespace {

using Type = MsgpackHead::Type;

std::uint64_t left(const char* cursor, const char* end) {
  return static_cast<std::uint64_t>(end - cursor);
}

/// What a first byte says of the bytes behind it.
struct Form {
  Type type = Type::kNil;
  bool known = true;
  std::uint8_t length_bytes = 0;  ///< of a length, which is added to `size`
  std::uint8_t size = 0;          ///< bytes of a number; else as MsgpackHead::size
};

constexpr Form form_of(unsigned first) {
  const auto form = [](Type type, unsigned size, unsigned length_bytes = 0) {
    return Form{type, true, static_cast<std::uint8_t>(length_bytes),
                static_cast<std::uint8_t>(size)};
  };
  if (first <= 0x7f || first >= 0xe0) return form(Type::kInteger, 0);
  if (first <= 0x8f) return form(Type::kMap, first & 0x0f);
  if (first <= 0x9f) return form(Type::kArray, first & 0x0f);
  if (first <= 0xbf) return form(Type::kText, first & 0x1f);
  if (first == 0xc0) return form(Type::kNil, 0);
  if (first == 0xc1) return {.known = false};
  if (first <= 0xc3) return form(Type::kBool, 0);
  if (first <= 0xc6) return form(Type::kBytes, 0, 1u << (first - 0xc4));
  // An extension has a byte for its type in front of its bytes.
  if (first <= 0xc9) return form(Type::kBytes, 1, 1u << (first - 0xc7));
  if (first <= 0xcb) return form(Type::kDouble, 4u << (first - 0xca));
  if (first <= 0xcf) return form(Type::kInteger, 1u << (first - 0xcc));
  if (first <= 0xd3) return form(Type::kInteger, 1u << (first - 0xd0));
  if (first <= 0xd8) return form(Type::kBytes, 1 + (1u << (first - 0xd4)));
  if (first <= 0xdb) return form(Type::kText, 0, 1u << (first - 0xd9));
  if (first <= 0xdd) return form(Type::kArray, 0, 2u << (first - 0xdc));
  return form(Type::kMap, 0, 2u << (first - 0xde));
}

constexpr auto kForms = [] {
  std::array<Form, 256> forms;
  for (unsigned first = 0; first < forms.size(); ++first) forms[first] = form_of(first);
  return forms;
}();

/// Takes a big-endian number of `bytes` bytes. False if they are not there.
bool take(const char*& cursor, const char* end, unsigned bytes, std::uint64_t& number) {
  if (left(cursor, end) < bytes) return false;
  number = 0;
  for (unsigned i = 0; i < bytes; ++i) number = number << 8 | static_cast<unsigned char>(*cursor++);
  return true;
}

/// Sets the integer whose first byte is `first`, and whose other `bytes` bytes are `number`.
void set_integer(unsigned first, unsigned bytes, std::uint64_t number, MsgpackHead& head) {
  head.magnitude = number;
  if (bytes == 0) {
    head.negative = first >= 0xe0;
    head.magnitude = head.negative ? 0x100 - first : first;
  } else if (first >= 0xd0) {
    const unsigned bits = 8 * bytes;
    head.negative = (number >> (bits - 1) & 1) != 0;
    if (head.negative) head.magnitude = (0 - number) & (~std::uint64_t{0} >> (64 - bits));
  }
}

}  // namespace

MsgpackEnd read_msgpack_head(const char*& cursor, const char* end, MsgpackHead& head) {
  if (cursor == end) return MsgpackEnd::kCutShort;
  const auto first = static_cast<unsigned char>(*cursor++);
  const Form& form = kForms[first];
  if (!form.known) return MsgpackEnd::kMalformed;
  head = {};
  head.type = form.type;
  const bool is_number = form.type == Type::kInteger || form.type == Type::kDouble;
  std::uint64_t number = 0;
  if (!take(cursor, end, is_number ? form.size : form.length_bytes, number))
    return MsgpackEnd::kCutShort;
  switch (form.type) {
    case Type::kNil:
      break;
    case Type::kBool:
      head.boolean = first == 0xc3;
      break;
    case Type::kInteger:
      set_integer(first, form.size, number, head);
      break;
    case Type::kDouble:
      head.number =
          form.size == sizeof(float)
              ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(number)))
              : std::bit_cast<double>(number);
      break;
    default:
      head.size = form.size + number;
  }
  return MsgpackEnd::kComplete;
}

MsgpackEnd skip_msgpack(const char*& cursor, const char* end, std::uint64_t values) {
  while (values > 0) {
    // Each takes a byte at least; so the sums below cannot overflow either.
    if (values > left(cursor, end)) return MsgpackEnd::kCutShort;
    const Form& form = kForms[static_cast<unsigned char>(*cursor++)];
    if (!form.known) return MsgpackEnd::kMalformed;
    --values;
    std::uint64_t size = 0;
    if (form.length_bytes != 0 && !take(cursor, end, form.length_bytes, size))
      return MsgpackEnd::kCutShort;
    size += form.size;
    if (form.type == Type::kArray) {
      values += size;
    } else if (form.type == Type::kMap) {
      values += 2 * size;
    } else {
      if (size > left(cursor, end)) return MsgpackEnd::kCutShort;
      cursor += size;
    }
  }
  return MsgpackEnd::kComplete;
}

}  // namespace millrace
