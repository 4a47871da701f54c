#include "millrace/state/overlay.h"

#include <algorithm>
#include <array>
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

void Overlay::expect(std::span<const std::string_view> keys) {
  if (entries_.size() <= kExpected) return;
  const std::size_t mask = slots_.size() - 1;
  std::array<std::uint64_t, kExpected> hashes{};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = hash_of(keys[i]);
    __builtin_prefetch(&slots_[hashes[i] & mask]);
  }
  // Most keys are in the first slot or in none.
  const auto expected = [&](std::size_t i) {
    const Slot& slot = slots_[hashes[i] & mask];
    return slot.index != 0 && slot.tag == tag_of(hashes[i]) ? &entries_[slot.index - 1] : nullptr;
  };
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const Entry* entry = expected(i)) __builtin_prefetch(entry);
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const Entry* entry = expected(i)) __builtin_prefetch(entry->key_data);
}

const Overlay::Entry* Overlay::find(std::string_view key) {
  if (entries_.empty()) return nullptr;
  const std::uint32_t index = slots_[slot_of(key, hash_of(key))].index;
  if (index == 0) return nullptr;
  Entry& entry = entries_[index - 1];
  if (!entry.changed && in_erased_range(key)) return nullptr;
  entry.used = true;
  return &entry;
}

bool Overlay::in_erased_range(std::string_view key) const {
  if (ranges_.empty()) return false;
  const auto behind = ranges_.upper_bound(key);
  return behind != ranges_.begin() && key < std::prev(behind)->second;
}

std::uint32_t Overlay::find_or_add(std::string_view key) {
  const std::uint64_t hash = hash_of(key);
  const std::size_t at = slot_of(key, hash);
  return slots_[at].index != 0 ? slots_[at].index - 1 : add(key, hash, at);
}

/// A key that is not there, to the free slot where it belongs.
std::uint32_t Overlay::add(std::string_view key, std::uint64_t hash, std::size_t at) {
  if ((entries_.size() + 1) * 3 > slots_.size() * 2) {
    grow();
    at = slot_of(key, hash);
  }
  MILLRACE_CHECK(key.size() < UINT32_MAX, "keys are smaller than 4 GiB");
  char* const bytes = bytes_.allocate(key.size());
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  Entry entry{};
  entry.key_data = bytes;
  entry.key_size = static_cast<std::uint32_t>(key.size());
  entry.value_data = bytes;  // an empty value is none that is null
  entry.hash = hash;
  entries_.push_back(entry);
  slots_[at] = {tag_of(hash), static_cast<std::uint32_t>(entries_.size())};
  return static_cast<std::uint32_t>(entries_.size() - 1);
}

Overlay::Entry& Overlay::change(std::string_view key) {
  const std::uint32_t index = find_or_add(key);
  Entry& entry = entries_[index];
  if (!std::exchange(entry.changed, true)) {
    entry.used = true;
    changes_.push_back(index);
    changed_bytes_ += entry.key_size + entry.value_size;
    if (keeps_order_) ordered_.insert(index);
  }
  return entry;
}

void Overlay::grow() {
  std::vector<Slot>(slots_.size() * 2).swap(slots_);
  for (std::size_t i = 0; i < entries_.size(); ++i)
    slots_[slot_of(entries_[i].key(), entries_[i].hash)] = {tag_of(entries_[i].hash),
                                                            static_cast<std::uint32_t>(i + 1)};
}

void Overlay::set(Entry& entry, std::string_view value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  if (size > entry.value_room) {
    // A value that grows and grows leaves behind less than it takes in the end.
    entry.value_room = std::max(size, 2 * std::min(entry.value_room, UINT32_MAX / 2));
    entry.value_data = bytes_.allocate(entry.value_room);
  }
  if (size > 0) std::memmove(entry.value_data, value.data(), size);  // it may be a part of the old
  entry.value_size = size;
}

void Overlay::put(std::string_view key, std::string_view value) {
  MILLRACE_CHECK(value.size() < UINT32_MAX, "values are smaller than 4 GiB");
  Entry& entry = change(key);
  changed_bytes_ -= entry.value_size;
  set(entry, value);
  changed_bytes_ += entry.value_size;
  entry.erased = false;
}

void Overlay::erase(std::string_view key) { change(key).erased = true; }

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
  for (const std::uint32_t index : changes_)
    if (entries_[index].key() >= from && before_end(index)) found.push_back(index);
  std::ranges::sort(found, {}, [this](std::uint32_t index) { return entries_[index].key(); });
  return found;
}

void Overlay::keep_order() {
  keeps_order_ = true;
  for (const std::uint32_t index : sorted()) ordered_.insert(ordered_.end(), index);
}

const std::vector<std::uint32_t>& Overlay::sorted() {
  // Most keys differ in their first bytes: those are compared as numbers, without a look elsewhere.
  SharedPrefix shared;
  each(changes_, [&](const Entry& entry) { shared.add(entry.key()); });
  heads_.clear();
  each(changes_, [&](const Entry& entry) {
    heads_.push_back({key_head(entry.key(), shared.size()), changes_[heads_.size()]});
  });
  sort_by_key(heads_, heads_scratch_,
              [this](const Head& each) { return entries_[each.index].key(); });
  sorted_.clear();
  for (const Head& each : heads_) sorted_.push_back(each.index);
  return sorted_;
}

void Overlay::forget_changes() {
  changes_.clear();
  changed_bytes_ = 0;
  ordered_.clear();
  keeps_order_ = false;
  passes_ = 0;
  ranges_.clear();
}

void Overlay::clear() {
  if (empty() && entries_.empty()) return;
  forget_changes();
  // What one large commit needed, or was remembered, is not kept and wiped for ever with each small
  // one.
  const bool roomy = slots_.size() > kLeastSlots && entries_.size() * 8 < slots_.size();
  if (roomy) {
    std::vector<Slot>(slots_.size() / 2).swap(slots_);
    entries_.shrink_to_fit();
  } else {
    std::ranges::fill(slots_, Slot{0, 0});
  }
  entries_.clear();
  bytes_.reset();
}

void Overlay::settle() {
  if (!ranges_.empty()) return clear();  // what is remembered of them is not worth a search
  for (const std::uint32_t index : changes_) entries_[index].changed = false;
  forget_changes();
}

void Overlay::shrink(std::size_t bytes) {
  MILLRACE_CHECK(empty(), "only what is committed may be forgotten");
  const std::vector<Entry> old = std::exchange(entries_, {});
  const Arena old_bytes = std::exchange(bytes_, {});
  std::vector<Slot>(kLeastSlots).swap(slots_);
  for (auto entry = old.rbegin(); entry != old.rend(); ++entry) {
    if (!entry->used) continue;
    if (this->bytes() + entry->key_size + entry->value_size > bytes / 2) break;
    Entry& kept = entries_[add(entry->key(), entry->hash, slot_of(entry->key(), entry->hash))];
    set(kept, entry->value());
    kept.erased = entry->erased;
  }
}

std::size_t Overlay::bytes() const {
  return bytes_.reserved_bytes() + entries_.capacity() * sizeof(Entry) +
         slots_.size() * sizeof(Slot);
}

}  // namespace millrace
