#include "millrace/operators/key_slots.h"

#include <xxhash.h>

#include <algorithm>

namespace millrace {
namespace {

constexpr std::size_t kFirstTable = 1024;

}  // namespace

std::uint32_t KeySlots::find_or_add(std::string_view prefix, std::string_view key) {
  if (2 * (slots_.size() + 1) > table_.size()) grow();
  const std::size_t begin = text_.size();
  text_.append(prefix).append(key);
  const std::string_view whole = std::string_view(text_).substr(begin);
  const std::uint64_t hash = XXH3_64bits(whole.data(), whole.size());
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const std::uint32_t found = table_[at];
    if (found == 0) {
      slots_.push_back({hash, static_cast<std::uint32_t>(begin),
                        static_cast<std::uint32_t>(whole.size()),
                        static_cast<std::uint32_t>(prefix.size())});
      table_[at] = static_cast<std::uint32_t>(slots_.size());
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const Slot& slot = slots_[found - 1];
    if (slot.hash == hash && slot.prefix == prefix.size() && store_key(found - 1) == whole) {
      text_.resize(begin);
      return found - 1;
    }
  }
}

std::string_view KeySlots::store_key(std::size_t slot) const {
  return std::string_view(text_).substr(slots_[slot].begin, slots_[slot].size);
}

std::string_view KeySlots::key(std::size_t slot) const {
  return store_key(slot).substr(slots_[slot].prefix);
}

void KeySlots::grow() {
  table_.assign(std::max(kFirstTable, 2 * table_.size()), 0);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    std::size_t at = slots_[slot].hash & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = static_cast<std::uint32_t>(slot + 1);
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
  std::ranges::fill(table_, 0);
  looked_up_ = 0;
}

}  // namespace millrace
