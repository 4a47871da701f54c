#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/record_batch.h"

namespace millrace {

/// What changed in a store since the last commit: the last put or erasure of each key, and erased
/// ranges, which lie below the puts that came after them. And, where settle() is used, what is
/// remembered of keys that changed before: a cache of the store's committed values. One thread.
///
/// Keys are found by their hash. The order of changed ones is kept only from some calls of within()
/// or erase_range() on until the next commit: a store that asks seldom does not pay for it.
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
    bool changed;  ///< since the last commit; else it is remembered
    bool used;     ///< found or changed since the last shrink()
    std::uint64_t hash;
  };

  Overlay() = default;
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  /// These keys are about to be found or put: has the processor fetch what it takes for all of them
  /// at once, instead of waiting for memory several times for each.
  void expect(std::span<const std::string_view> keys);
  static constexpr std::size_t kExpected = 32;  ///< keys that are worth to be expected together
  /// The key's put or erasure, or what is remembered of it; null if there is nothing of its own
  /// (see in_erased_range()).
  const Entry* find(std::string_view key);
  /// Every key in the range is gone, unless find() says otherwise.
  bool in_erased_range(std::string_view key) const;

  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  /// REQUIRES: from < to.
  void erase_range(std::string_view from, std::string_view to);
  /// Forgets all.
  void clear();
  /// All changes are committed, and remembered; nothing is if there were erased ranges.
  void settle();
  /// Remembers at most half of `bytes`: what was used since the last call, the newest keys first.
  /// REQUIRES: nothing has changed.
  void shrink(std::size_t bytes);

  /// Nothing has changed.
  bool empty() const { return changes_.empty() && ranges_.empty(); }
  /// What the changes take, about.
  std::size_t changed_bytes() const {
    return changed_bytes_ + changes_.size() * (sizeof(Entry) + sizeof(Slot));
  }
  /// Memory of all, what is remembered too.
  std::size_t bytes() const;
  const Entry& operator[](std::uint32_t index) const { return entries_[index]; }
  /// Calls `visit` with the entries that have these indexes, in their order.
  template <class Visit>
  void each(const std::vector<std::uint32_t>& indexes, Visit visit) const {
    constexpr std::size_t kAhead = 16;  // about what a processor fetches from memory at once
    const std::size_t size = indexes.size();
    for (std::size_t i = 0; i < size; ++i) {
      if (i + 2 * kAhead < size) __builtin_prefetch(&entries_[indexes[i + 2 * kAhead]]);
      if (i + kAhead < size) __builtin_prefetch(entries_[indexes[i + kAhead]].key_data);
      visit(entries_[indexes[i]]);
    }
  }
  /// Indexes of the changed, in the order in which they first changed.
  const std::vector<std::uint32_t>& changes() const { return changes_; }
  /// The same, ascending by key. Lives until the next call.
  const std::vector<std::uint32_t>& sorted();
  /// Indexes of the changed keys in [from, to), ascending; a null `to` is the end of all.
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
  struct Head {
    std::uint64_t head;
    std::uint32_t index;
  };
  static constexpr std::size_t kLeastSlots = 64;
  static constexpr int kPasses = 16;

  std::size_t slot_of(std::string_view key, std::uint64_t hash) const;
  std::uint32_t find_or_add(std::string_view key);
  std::uint32_t add(std::string_view key, std::uint64_t hash, std::size_t at);
  Entry& change(std::string_view key);
  void set(Entry& entry, std::string_view value);
  void forget_changes();
  void grow();
  void keep_order();

  std::vector<Slot> slots_ = std::vector<Slot>(kLeastSlots);
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> changes_;
  std::size_t changed_bytes_ = 0;  // of their keys and values
  Ordered ordered_{ByKey{&entries_}};
  bool keeps_order_ = false;
  int passes_ = 0;           // over all changes, since the last commit
  std::vector<Head> heads_;  // scratch of sorted()
  std::vector<Head> heads_scratch_;
  std::vector<std::uint32_t> sorted_;
  std::map<std::string, std::string, std::less<>> ranges_;
  Arena bytes_;
};

}  // namespace millrace
