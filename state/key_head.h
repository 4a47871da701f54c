#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

/// The first eight bytes of a key as a number, so that numbers compare as the texts do: most keys
/// are told apart without a look at the rest.
inline std::uint64_t key_head(std::string_view key) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < sizeof head; ++i)
    head = head << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  return head;
}

}  // namespace millrace
