#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/format.h"

namespace millrace {

/// What an ordered merge does with a key, besides comparing it: keeps it beyond its record, writes
/// it where it outlives the task, and shows it in errors. Integers, enums and text are built in.
template <class K>
struct MergeKey {
  static_assert(
      std::integral<K> || std::is_enum_v<K>,
      "ordered_merge: the key must be an integer, an enum or a std::string_view (floating "
      "point has no total order), or specialise MergeKey for it");
  static constexpr bool kFixedSize = true;

  static void write(K key, std::string& out) {
    ByteWriter writer(out);
    Format<K>::write(key, writer);
  }
  /// What is returned may point into `bytes`.
  static K read(std::string_view bytes) {
    ByteReader in(bytes);
    return Format<K>::read(in);
  }
  static std::string text(K key) {
    if constexpr (std::is_enum_v<K>)
      return std::to_string(static_cast<std::underlying_type_t<K>>(key));
    else
      return std::to_string(key);
  }
};

template <>
struct MergeKey<std::string_view> {
  static constexpr bool kFixedSize = false;
  static void write(std::string_view key, std::string& out) { out.append(key); }
  static std::string_view read(std::string_view bytes) { return bytes; }
  static std::string text(std::string_view key) {
    constexpr std::size_t kShown = 80;
    std::string text("'");
    return text.append(key.substr(0, kShown)).append(key.size() > kShown ? "'..." : "'");
  }
};

/// A key that lives on when its record is gone. Not copied or moved: the key may point into it.
template <class K>
class KeptKey {
 public:
  KeptKey() = default;
  KeptKey(const KeptKey&) = delete;
  KeptKey& operator=(const KeptKey&) = delete;

  bool known() const { return known_; }
  const K& key() const { return key_; }
  void keep(const K& key) {
    known_ = true;
    if constexpr (MergeKey<K>::kFixedSize) {
      key_ = key;
    } else {
      bytes_.clear();
      MergeKey<K>::write(key, bytes_);
      key_ = MergeKey<K>::read(bytes_);
    }
  }
  void keep_bytes(std::string_view bytes) {
    known_ = true;
    bytes_ = bytes;
    key_ = MergeKey<K>::read(bytes_);
  }
  void forget() { known_ = false; }

 private:
  bool known_ = false;
  K key_{};
  std::string bytes_;
};

}  // namespace millrace
