#include "millrace/operators/fingerprint_set.h"

#include <algorithm>
#include <new>
#include <vector>

namespace millrace {

void FingerprintSet::clear() {
  std::fill_n(slots_.get(), capacity(), Fingerprint{});
  used_ = 0;
  has_zero_ = false;
}

void FingerprintSet::grow(std::size_t count) {
  std::size_t wanted = std::max(capacity() * 2, kFirstCapacity);
  while (wanted / 5 * 4 < count) wanted *= 2;
  if (used_ == 0) return resize(wanted);
  while (capacity() < wanted) double_capacity();
}

/// Extends the array; what is in it stays where it is, the new slots are empty.
void FingerprintSet::resize(std::size_t new_capacity) {
  const std::size_t old_capacity = capacity();
  // Large arrays grow by moving pages, not bytes, and never exist twice.
  void* const memory = std::realloc(slots_.get(), new_capacity * sizeof(Fingerprint));
  if (memory == nullptr) throw std::bad_alloc{};
  static_cast<void>(slots_.release());
  slots_.reset(static_cast<Fingerprint*>(memory));
  std::uninitialized_fill(&slots_[old_capacity], &slots_[0] + new_capacity, Fingerprint{});
  mask_ = new_capacity - 1;
  limit_ = new_capacity / 5 * 4;
}

/// One more bit decides where a fingerprint belongs: in the same slot as before or in its twin in
/// the upper half. So in the order of the slots each can be taken out and put back, and finds its
/// place at or before the slot it leaves.
void FingerprintSet::double_capacity() {
  const std::size_t old_capacity = capacity();
  // Those at the very beginning may have been pushed there around the end; they come last.
  std::vector<Fingerprint> first;
  for (std::size_t i = 0; slots_[i] != Fingerprint{}; ++i)
    first.push_back(std::exchange(slots_[i], {}));
  resize(old_capacity * 2);
  for (std::size_t i = first.size(); i < old_capacity; ++i) {
    const Fingerprint moved = std::exchange(slots_[i], {});
    if (moved != Fingerprint{}) *find(moved) = moved;
  }
  for (const Fingerprint fingerprint : first) *find(fingerprint) = fingerprint;
}

FingerprintSet::Sorted FingerprintSet::take_sorted() {
  if (has_zero_ && slots_ == nullptr) grow(1);
  Sorted sorted;
  Fingerprint* const begin = slots_.get();
  Fingerprint* end = std::remove(begin, begin + capacity(), Fingerprint{});
  if (has_zero_) *end++ = Fingerprint{};  // there is room: the array is never full
  std::sort(begin, end);
  sorted.size_ = static_cast<std::size_t>(end - begin);
  sorted.prints_ = std::move(slots_);
  FingerprintSet{}.swap(*this);
  return sorted;
}

void FingerprintSet::swap(FingerprintSet& other) noexcept {
  std::swap(slots_, other.slots_);
  std::swap(mask_, other.mask_);
  std::swap(used_, other.used_);
  std::swap(limit_, other.limit_);
  std::swap(has_zero_, other.has_zero_);
}

}  // namespace millrace
