#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/task_state.h"

namespace millrace {

/// Numbers the distinct keys that come between two commits, so that each is looked up once,
/// together with others, and written once. One thread.
///
/// A key stands in a store as `prefix` + key. Allocates nothing once it has grown to what a commit
/// holds.
class KeySlots {
 public:
  /// The number of this key; a new one is the next number.
  std::uint32_t find_or_add(std::string_view prefix, std::string_view key);
  std::size_t size() const { return slots_.size(); }
  /// Of all keys, in the store's form.
  std::size_t bytes() const { return text_.size(); }
  /// Both live until the next find_or_add() or clear().
  std::string_view store_key(std::size_t slot) const;
  std::string_view key(std::size_t slot) const;  ///< without its prefix

  /// Looks up all keys added since the last call: `visit` as in KeyValueStore::get_many(), with
  /// slots.
  void look_up(
      KeyValueStore& store,
      const std::function<void(std::size_t slot, std::optional<std::string_view> value)>& visit);
  void clear();

 private:
  struct Slot {
    std::uint64_t hash;
    std::uint32_t begin;  ///< in text_
    std::uint32_t size;
    std::uint32_t prefix;
  };
  void grow();

  std::string text_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> table_;  ///< slot + 1, or 0; a power of two long
  std::size_t looked_up_ = 0;
  std::vector<std::string_view> wanted_;
};

}  // namespace millrace
