#include "millrace/operators/key_slots.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace {
namespace {

constexpr std::size_t kFirstTable = 1024;

std::uint64_t hash_of(std::string_view prefix, std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), XXH3_64bits(prefix.data(), prefix.size()));
}
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

void KeySlots::expect(std::string_view prefix, std::string_view key) const {
  if (!table_.empty()) __builtin_prefetch(&table_[hash_of(prefix, key) & (table_.size() - 1)]);
}

std::uint32_t KeySlots::find_or_add(std::string_view prefix, std::string_view key) {
  if (2 * (slots_.size() + 1) > table_.size()) grow();
  const std::uint64_t hash = hash_of(prefix, key);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Place& place = table_[at];
    if (place.slot == 0) {
      slots_.push_back({hash, static_cast<std::uint32_t>(text_.size()),
                        static_cast<std::uint32_t>(prefix.size() + key.size()),
                        static_cast<std::uint32_t>(prefix.size())});
      text_.append(prefix).append(key);
      place = {tag_of(hash), static_cast<std::uint32_t>(slots_.size())};
      return place.slot - 1;
    }
    if (place.tag != tag_of(hash)) continue;
    const std::string_view found = store_key(place.slot - 1);
    if (slots_[place.slot - 1].prefix == prefix.size() && found.starts_with(prefix) &&
        found.substr(prefix.size()) == key)
      return place.slot - 1;
  }
}

std::string_view KeySlots::store_key(std::size_t slot) const {
  return std::string_view(text_).substr(slots_[slot].begin, slots_[slot].size);
}

std::string_view KeySlots::key(std::size_t slot) const {
  return store_key(slot).substr(slots_[slot].prefix);
}

void KeySlots::grow() {
  table_.assign(std::max(kFirstTable, 2 * table_.size()), Place{0, 0});
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    std::size_t at = slots_[slot].hash & mask;
    while (table_[at].slot != 0) at = (at + 1) & mask;
    table_[at] = {tag_of(slots_[slot].hash), static_cast<std::uint32_t>(slot + 1)};
  }
}

void KeySlots::look_up(
    KeyValueStore& store,
    const std::function<void(std::size_t slot, std::optional<std::string_view> value)>& visit) {
  const std::size_t first = looked_up_;
  if (first == slots_.size()) return;
  wanted_.clear();
  for (std::size_t slot = first; slot < slots_.size(); ++slot) wanted_.push_back(store_key(slot));
  store.get_many(wanted_, [&](std::size_t index, std::optional<std::string_view> value) {
    visit(first + index, value);
  });
  looked_up_ = slots_.size();
}

void KeySlots::clear() {
  text_.clear();
  slots_.clear();
  std::ranges::fill(table_, Place{0, 0});
  looked_up_ = 0;
}

void PutBatch::write(KeyValueStore& store) {
  std::array<std::string_view, kMost> values;
  std::copy_n(values_.begin(), size_, values.begin());
  store.put_many(std::span(keys_).first(size_), std::span(values).first(size_));
  clear();
}

}  // namespace millrace
