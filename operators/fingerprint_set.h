#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "millrace/operators/fingerprint.h"

namespace millrace {

/// A set of fingerprints: one flat array of 16-byte slots, linear probing from the low bits of
/// `low`.
///
/// Filled to at most 4/5 and doubled in place, so it takes 20 to 40 bytes per fingerprint, at the
/// peak of growing too. Allocates only when it grows; an empty one owns no memory. Not thread-safe.
class FingerprintSet {
 public:
  FingerprintSet() = default;
  FingerprintSet(FingerprintSet&& other) noexcept { swap(other); }
  FingerprintSet& operator=(FingerprintSet&& other) noexcept {
    FingerprintSet{std::move(other)}.swap(*this);
    return *this;
  }

  /// Adds `fingerprint`. Returns true if it was not in the set yet.
  bool insert(Fingerprint fingerprint) {
    if (fingerprint == Fingerprint{}) [[unlikely]]
      return !std::exchange(has_zero_, true);
    if (used_ >= limit_) [[unlikely]]
      grow(used_ + 1);
    Fingerprint* const slot = find(fingerprint);
    if (*slot != Fingerprint{}) return false;
    *slot = fingerprint;
    ++used_;
    return true;
  }

  bool contains(Fingerprint fingerprint) const {
    if (fingerprint == Fingerprint{}) [[unlikely]]
      return has_zero_;
    return used_ != 0 && *find(fingerprint) != Fingerprint{};
  }

  /// Starts loading the memory that insert() or contains() will touch: for batches into sets larger
  /// than the caches.
  void prefetch(Fingerprint fingerprint) const {
    if (slots_ != nullptr) __builtin_prefetch(&slots_[fingerprint.low & mask_]);
  }

  std::size_t size() const { return used_ + (has_zero_ ? 1 : 0); }
  bool empty() const { return size() == 0; }

  /// Calls `visit(Fingerprint)` for each, in an order that depends on the content and its history
  /// only.
  ///
  /// Walks the array in blocks that leap over it. Slot order would hand another, smaller set all
  /// its first elements for the same few slots, and filling it would take quadratic time.
  template <class Visit>
  void for_each(Visit&& visit) const {
    if (has_zero_) visit(Fingerprint{});
    if (used_ == 0) return;
    const std::size_t blocks = capacity() / kBlockSlots;
    // Odd, so that it meets every block of a power of two; near the golden section, so that any
    // prefix is spread evenly.
    const std::size_t leap =
        static_cast<std::size_t>(static_cast<double>(blocks) * 0.6180339887) | 1;
    for (std::size_t i = 0, block = 0; i < blocks; ++i, block = (block + leap) & (blocks - 1)) {
      const Fingerprint* const begin = &slots_[block * kBlockSlots];
      for (const Fingerprint* slot = begin; slot != begin + kBlockSlots; ++slot)
        if (*slot != Fingerprint{}) visit(*slot);
    }
  }

  /// Makes room for `count` fingerprints in all, so that no insert up to there allocates.
  void reserve(std::size_t count) {
    if (count > limit_) grow(count);
  }

  /// Returns all, ascending, in the set's own memory: it is empty afterwards, and owns none.
  class Sorted;
  Sorted take_sorted();

  /// Removes all and keeps the memory; assign `{}` to give it back.
  void clear();

  std::size_t memory_bytes() const { return sizeof *this + capacity() * sizeof(Fingerprint); }
  /// What it takes, or will take soon: it is about to grow.
  std::size_t memory_bytes_soon() const {
    return used_ > limit_ / 4 * 3 ? memory_bytes() * 2 : memory_bytes();
  }

 private:
  struct Free {
    void operator()(Fingerprint* slots) const { std::free(slots); }
  };
  static constexpr std::size_t kBlockSlots = 64;
  static constexpr std::size_t kFirstCapacity = kBlockSlots;

  std::size_t capacity() const { return slots_ ? mask_ + 1 : 0; }
  /// Returns the slot that holds `fingerprint`, or the empty one where it belongs.
  Fingerprint* find(Fingerprint fingerprint) const {
    std::size_t i = fingerprint.low & mask_;
    while (slots_[i] != fingerprint && slots_[i] != Fingerprint{}) i = (i + 1) & mask_;
    return &slots_[i];
  }
  void grow(std::size_t count);
  void double_capacity();
  void resize(std::size_t capacity);
  void swap(FingerprintSet& other) noexcept;

  std::unique_ptr<Fingerprint[], Free>
      slots_;  ///< all zero = empty; from malloc, so that it can be extended in place
  std::size_t mask_ = 0;
  std::size_t used_ = 0;   ///< occupied slots
  std::size_t limit_ = 0;  ///< slots that may be occupied before growing
  bool has_zero_ = false;  ///< the all-zero fingerprint cannot be told from an empty slot
};

/// What was in a set, ascending.
class FingerprintSet::Sorted {
 public:
  const Fingerprint* begin() const { return prints_.get(); }
  const Fingerprint* end() const { return prints_.get() + size_; }
  std::size_t size() const { return size_; }

 private:
  friend class FingerprintSet;
  std::unique_ptr<Fingerprint[], Free> prints_;
  std::size_t size_ = 0;
};

}  // namespace millrace
