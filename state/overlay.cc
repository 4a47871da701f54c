#include "millrace/state/overlay.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "millrace/framework/check.h"
#include "millrace/state/key_head.h"

namespace millrace {
namespace {

std::uint64_t hash_of(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

/// The slot of the key, or the free one where it belongs.
std::size_t Overlay::slot_of(std::string_view key, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].index != 0; at = (at + 1) & mask)
    if (slots_[at].tag == tag_of(hash) && entries_[slots_[at].index - 1].key() == key) break;
  return at;
}

const Overlay::Entry* Overlay::find(std::string_view key) const {
  if (entries_.empty()) return nullptr;
  const std::uint32_t index = slots_[slot_of(key, hash_of(key))].index;
  return index == 0 ? nullptr : &entries_[index - 1];
}

bool Overlay::in_erased_range(std::string_view key) const {
  if (ranges_.empty()) return false;
  const auto behind = ranges_.upper_bound(key);
  return behind != ranges_.begin() && key < std::prev(behind)->second;
}

Overlay::Entry& Overlay::touch(std::string_view key) {
  const std::uint64_t hash = hash_of(key);
  std::size_t at = slot_of(key, hash);
  if (slots_[at].index != 0) return entries_[slots_[at].index - 1];
  if ((entries_.size() + 1) * 3 > slots_.size() * 2) {
    grow();
    at = slot_of(key, hash);
  }
  MILLRACE_CHECK(key.size() < UINT32_MAX, "keys are smaller than 4 GiB");
  char* const bytes = bytes_.allocate(key.size());
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  // An empty value is none that is null.
  entries_.push_back({bytes, bytes, static_cast<std::uint32_t>(key.size()), 0, 0, true, hash});
  slots_[at] = {tag_of(hash), static_cast<std::uint32_t>(entries_.size())};
  if (keeps_order_) ordered_.insert(static_cast<std::uint32_t>(entries_.size() - 1));
  return entries_.back();
}

void Overlay::grow() {
  std::vector<Slot>(slots_.size() * 2).swap(slots_);
  for (std::size_t i = 0; i < entries_.size(); ++i)
    slots_[slot_of(entries_[i].key(), entries_[i].hash)] = {tag_of(entries_[i].hash),
                                                            static_cast<std::uint32_t>(i + 1)};
}

void Overlay::put(std::string_view key, std::string_view value) {
  MILLRACE_CHECK(value.size() < UINT32_MAX, "values are smaller than 4 GiB");
  Entry& entry = touch(key);
  const auto size = static_cast<std::uint32_t>(value.size());
  if (size > entry.value_room) {
    // A value that grows and grows leaves behind less than it takes in the end.
    entry.value_room = std::max(size, 2 * std::min(entry.value_room, UINT32_MAX / 2));
    entry.value_data = bytes_.allocate(entry.value_room);
  }
  if (size > 0) std::memmove(entry.value_data, value.data(), size);  // it may be a part of the old
  entry.value_size = size;
  entry.erased = false;
}

void Overlay::erase(std::string_view key) { touch(key).erased = true; }

void Overlay::erase_range(std::string_view from, std::string_view to) {
  for (const std::uint32_t index : within(from, to)) entries_[index].erased = true;
  std::string begin(from);
  std::string end(to);
  auto at = ranges_.upper_bound(from);
  if (at != ranges_.begin() && from <= std::prev(at)->second) --at;
  while (at != ranges_.end() && at->first <= end) {
    begin = std::min(begin, at->first);
    end = std::max(end, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(std::move(begin), std::move(end));
}

std::vector<std::uint32_t> Overlay::within(std::string_view from, std::string_view to) {
  const auto before_end = [&](std::uint32_t index) {
    return to.data() == nullptr || entries_[index].key() < to;
  };
  std::vector<std::uint32_t> found;
  if (!keeps_order_ && ++passes_ > kPasses) keep_order();
  if (keeps_order_) {
    for (auto at = ordered_.lower_bound(from); at != ordered_.end() && before_end(*at); ++at)
      found.push_back(*at);
    return found;
  }
  for (std::uint32_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].key() >= from && before_end(i)) found.push_back(i);
  std::ranges::sort(found, {}, [this](std::uint32_t index) { return entries_[index].key(); });
  return found;
}

void Overlay::keep_order() {
  keeps_order_ = true;
  for (const std::uint32_t index : sorted()) ordered_.insert(ordered_.end(), index);
}

const std::vector<std::uint32_t>& Overlay::sorted() {
  // Most keys differ in their first bytes: those are compared as numbers, without a look elsewhere.
  heads_.clear();
  SharedPrefix shared;
  for (const Entry& entry : entries_) shared.add(entry.key());
  for (std::uint32_t i = 0; i < entries_.size(); ++i)
    heads_.emplace_back(key_head(entries_[i].key(), shared.size()), i);
  std::ranges::sort(heads_, [this](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return entries_[a.second].key() < entries_[b.second].key();
  });
  sorted_.clear();
  for (const auto& [head, index] : heads_) sorted_.push_back(index);
  return sorted_;
}

void Overlay::clear() {
  if (empty()) return;
  ordered_.clear();
  keeps_order_ = false;
  passes_ = 0;
  // What one large commit needed is not wiped for ever with each small one.
  const bool roomy = slots_.size() > kLeastSlots && entries_.size() * 8 < slots_.size();
  std::vector<Slot>& slots = slots_;
  if (roomy)
    std::vector<Slot>(slots.size() / 2).swap(slots);
  else
    std::ranges::fill(slots, Slot{0, 0});
  entries_.clear();
  ranges_.clear();
  bytes_.reset();
}

std::size_t Overlay::bytes() const {
  return bytes_.used_bytes() + entries_.size() * (sizeof(Entry) + sizeof(Slot));
}

}  // namespace millrace
