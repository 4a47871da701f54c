#pragma once

#include <array>
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
  /// This key comes soon: has the processor fetch what finding it takes.
  void expect(std::string_view prefix, std::string_view key) const;
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
  struct Place {
    std::uint32_t tag;   ///< a part of the hash, so that other keys need not be looked at
    std::uint32_t slot;  ///< from 1; 0: free
  };
  void grow();

  std::string text_;
  std::vector<Slot> slots_;
  std::vector<Place> table_;  ///< a power of two long
  std::size_t looked_up_ = 0;
  std::vector<std::string_view> wanted_;
};

/// Some keys and their values on the way into a store, which takes them faster together. One
/// thread. Allocates nothing once its values have grown.
class PutBatch {
 public:
  /// The value of `key`, empty and to be filled; `key` is only seen. REQUIRES: not full().
  std::string& add(std::string_view key) {
    keys_[size_] = key;
    values_[size_].clear();
    return values_[size_++];
  }
  bool full() const { return size_ == kMost; }
  void write(KeyValueStore& store);
  void clear() { size_ = 0; }

 private:
  static constexpr std::size_t kMost = 32;

  std::size_t size_ = 0;
  std::array<std::string_view, kMost> keys_;
  std::array<std::string, kMost> values_;
};

}  // namespace millrace
