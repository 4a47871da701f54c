#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/check.h"
#include "millrace/framework/format.h"

namespace millrace {

/// The key of a stream at compile time: its type once it is read, and whether it has changed since
/// records were last dealt out by it.
template <class K, bool kMoved>
struct StreamKey {
  using type = K;
  static constexpr bool moved = kMoved;
};

/// The key of a topic's records: the bytes as they are.
using TopicKey = StreamKey<std::string, false>;

/// What a key is read back as: text as std::string, everything else as itself.
template <class K>
using OwnedKey = std::conditional_t<std::convertible_to<const K&, std::string_view>, std::string,
                                    std::remove_cvref_t<K>>;

/// Reads what encode_key() wrote. REQUIRES: `bytes` are a key of this type.
template <class K>
K decode_key(std::string_view bytes) {
  if constexpr (std::same_as<K, std::string>) {
    return std::string(bytes);
  } else {
    ByteReader in(bytes);
    K key = Format<K>::read(in);
    MILLRACE_CHECK(in.done(), "a stream's key is of the type that key_by gave it");
    return key;
  }
}

}  // namespace millrace
