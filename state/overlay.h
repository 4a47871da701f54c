#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/record_batch.h"

namespace millrace {

/// What changed in a store since the last commit: the last put or erasure of each key, and erased
/// ranges, which lie below the puts that came after them. One thread.
///
/// Keys are found by their hash. Their order is kept only from some calls of within() or
/// erase_range() on until the next clear(): a store that asks seldom does not pay for it.
/// Views and entries live until the next change.
class Overlay {
 public:
  struct Entry {
    std::string_view key() const { return {key_data, key_size}; }
    std::string_view value() const { return {value_data, value_size}; }  ///< of a put; never null

    const char* key_data;
    char* value_data;
    std::uint32_t key_size;
    std::uint32_t value_size;
    std::uint32_t value_room;
    bool erased;
    std::uint64_t hash;
  };

  Overlay() = default;
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  /// The key's put or erasure; null if it has none of its own (see in_erased_range()).
  const Entry* find(std::string_view key) const;
  /// Every key in the range is gone, unless find() says otherwise.
  bool in_erased_range(std::string_view key) const;

  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  /// REQUIRES: from < to.
  void erase_range(std::string_view from, std::string_view to);
  void clear();

  bool empty() const { return entries_.empty() && ranges_.empty(); }
  std::size_t bytes() const;
  /// In the order in which keys were first touched.
  const std::vector<Entry>& entries() const { return entries_; }
  /// Positions in entries() of all, ascending by key. Lives until the next call.
  const std::vector<std::uint32_t>& sorted();
  /// Positions in entries() of the keys in [from, to), ascending; a null `to` is the end of all.
  std::vector<std::uint32_t> within(std::string_view from, std::string_view to);
  /// From and to of the erased ranges; they do not touch each other.
  const std::map<std::string, std::string, std::less<>>& ranges() const { return ranges_; }

 private:
  struct ByKey {
    using is_transparent = void;
    std::string_view of(std::uint32_t index) const { return (*entries)[index].key(); }
    static std::string_view of(std::string_view key) { return key; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return of(a) < of(b);
    }
    const std::vector<Entry>* entries;
  };
  using Ordered = std::set<std::uint32_t, ByKey>;

  struct Slot {
    std::uint32_t tag;    // a part of the hash, so that other keys need not be looked at
    std::uint32_t index;  // into entries_, from 1; 0: free
  };
  static constexpr std::size_t kLeastSlots = 64;
  static constexpr int kPasses = 16;

  std::size_t slot_of(std::string_view key, std::uint64_t hash) const;
  Entry& touch(std::string_view key);
  void grow();
  void keep_order();

  std::vector<Slot> slots_ = std::vector<Slot>(kLeastSlots);
  std::vector<Entry> entries_;
  Ordered ordered_{ByKey{&entries_}};
  bool keeps_order_ = false;
  int passes_ = 0;  // over all entries, since the last clear()
  std::vector<std::pair<std::uint64_t, std::uint32_t>> heads_;  // scratch of sorted()
  std::vector<std::uint32_t> sorted_;
  std::map<std::string, std::string, std::less<>> ranges_;
  Arena bytes_;
};

}  // namespace millrace
