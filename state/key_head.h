#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// What keys to be sorted have in common at their beginning: a store's keys do. One thread.
class SharedPrefix {
 public:
  void add(std::string_view key) {
    if (!any_) prefix_ = key;
    any_ = true;
    if (key.starts_with(prefix_)) return;
    std::size_t same = 0;
    while (same < key.size() && key[same] == prefix_[same]) ++same;
    prefix_ = prefix_.substr(0, same);
  }
  std::size_t size() const { return prefix_.size(); }

 private:
  std::string_view prefix_;  // of the first key
  bool any_ = false;
};

/// The first eight bytes of a key behind `prefix` bytes that all share, as a number, so that
/// numbers compare as the texts do: most keys are told apart without a look at the rest.
inline std::uint64_t key_head(std::string_view key, std::size_t prefix) {
  key.remove_prefix(prefix);
  std::uint64_t head = 0;
  if (key.size() >= sizeof head) {
    std::memcpy(&head, key.data(), sizeof head);
    return __builtin_bswap64(head);
  }
  for (std::size_t i = 0; i < sizeof head; ++i)
    head = head << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  return head;
}

/// Sorts ascending by the member `head`; equal ones keep their order. `scratch` is as large.
template <class T>
void sort_by_head(std::vector<T>& items, std::vector<T>& scratch) {
  constexpr int kBytes = sizeof(std::uint64_t);
  std::array<std::array<std::uint32_t, 256>, kBytes> begins{};
  std::uint64_t differing = 0;
  for (const T& item : items) {
    differing |= item.head ^ items.front().head;
    for (int byte = 0; byte < kBytes; ++byte) ++begins[byte][item.head >> (8 * byte) & 255];
  }
  scratch.resize(items.size());
  for (int byte = 0; byte < kBytes; ++byte) {  // the last one first
    if ((differing >> (8 * byte) & 255) == 0) continue;
    std::uint32_t begin = 0;
    for (std::uint32_t& count : begins[byte]) begin += std::exchange(count, begin);
    for (const T& item : items) scratch[begins[byte][item.head >> (8 * byte) & 255]++] = item;
    items.swap(scratch);
  }
}

/// Sorts ascending by `key(item)`, whose head is the member `head`; equal keys keep their order.
/// `scratch` is as large.
template <class T, class Key>
void sort_by_key(std::vector<T>& items, std::vector<T>& scratch, Key key) {
  sort_by_head(items, scratch);
  for (auto begin = items.begin(); begin != items.end();) {
    auto end = begin + 1;
    while (end != items.end() && end->head == begin->head) ++end;
    if (end - begin > 1) std::ranges::stable_sort(begin, end, {}, key);
    begin = end;
  }
}

/// The order in which keys ascend: RocksDB would sort them itself, by comparing whole keys; and
/// neighbours are found on the same way. Its memory is used again. One thread.
class KeyOrder {
 public:
  void sort(std::span<const std::string_view> keys) {
    SharedPrefix shared;
    for (const std::string_view key : keys) shared.add(key);
    order_.clear();
    for (std::size_t i = 0; i < keys.size(); ++i)
      order_.emplace_back(key_head(keys[i], shared.size()), static_cast<std::uint32_t>(i));
    std::ranges::sort(order_, [&](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : keys[a.second] < keys[b.second];
    });
  }
  /// The index of the key that comes at this place.
  std::size_t operator[](std::size_t place) const { return order_[place].second; }

 private:
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order_;  // head, index
};

}  // namespace millrace
