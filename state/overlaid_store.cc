#include "millrace/state/overlaid_store.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace millrace {
namespace {

/// Those from `begin` that are expected together.
std::span<const std::string_view> next(std::span<const std::string_view> keys, std::size_t begin) {
  return keys.subspan(begin, std::min(Overlay::kExpected, keys.size() - begin));
}

}  // namespace

std::optional<std::string_view> OverlaidStore::get(std::string_view key) {
  ++looked_up_;
  if (const Overlay::Entry* entry = overlay_.find(key)) {
    if (entry->erased) return std::nullopt;
    return entry->value();
  }
  if (overlay_.in_erased_range(key)) return std::nullopt;
  return base_.get(key);
}

void OverlaidStore::put_many(std::span<const std::string_view> keys,
                             std::span<const std::string_view> values) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % Overlay::kExpected == 0) overlay_.expect(next(keys, i));
    overlay_.put(keys[i], values[i]);
  }
}

void OverlaidStore::get_many(
    std::span<const std::string_view> keys,
    const std::function<void(std::size_t, std::optional<std::string_view>)>& visit) {
  looked_up_ += keys.size();
  missing_.clear();
  missing_index_.clear();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % Overlay::kExpected == 0) overlay_.expect(next(keys, i));
    if (const Overlay::Entry* entry = overlay_.find(keys[i])) {
      visit(i, entry->erased ? std::nullopt : std::optional(entry->value()));
    } else if (overlay_.in_erased_range(keys[i])) {
      visit(i, std::nullopt);
    } else {
      missing_.push_back(keys[i]);
      missing_index_.push_back(i);
    }
  }
  if (missing_.empty()) return;
  base_.get_many(missing_, [&](std::size_t i, std::optional<std::string_view> value) {
    visit(missing_index_[i], value);
  });
}

void OverlaidStore::scan(std::string_view prefix,
                         const std::function<void(std::string_view, std::string_view)>& visit) {
  const std::string end = end_of_prefix(prefix);
  const std::string_view to = end.empty() ? std::string_view() : std::string_view(end);
  if (overlay_.empty()) return base_.scan(prefix, to, visit);

  const std::vector<std::uint32_t> changes = overlay_.within(prefix, to);
  auto at = changes.begin();
  const auto changed = [&] { return at == changes.end() ? nullptr : &overlay_[*at]; };
  const auto next_changed = [&](const Overlay::Entry& entry) {
    ++at;
    if (!entry.erased) visit(entry.key(), entry.value());
  };
  base_.scan(prefix, to, [&](std::string_view key, std::string_view value) {
    const Overlay::Entry* entry = changed();
    for (; entry != nullptr && entry->key() < key; entry = changed()) next_changed(*entry);
    if (entry != nullptr && entry->key() == key)
      next_changed(*entry);
    else if (!overlay_.in_erased_range(key))
      visit(key, value);
  });
  while (const Overlay::Entry* entry = changed()) next_changed(*entry);
}

/// Values first: without a transaction a crash may leave any number of the first of these records,
/// and what has moved from one key to another must then not be missing.
Status OverlaidStore::prepare(std::string_view name, ChangelogWriter& writer) {
  bool erases = false;
  Status status;
  overlay_.each(overlay_.changes(), [&](const Overlay::Entry& entry) {
    erases = erases || entry.erased;
    if (!entry.erased && status.ok()) status = writer.write(name, entry.key(), entry.value());
  });
  if (!status.ok() || (!erases && overlay_.ranges().empty())) return status;
  overlay_.each(overlay_.changes(), [&](const Overlay::Entry& entry) {
    if (entry.erased && status.ok() && !overlay_.in_erased_range(entry.key()) &&
        base_.may_contain(entry.key()))
      status = writer.write(name, entry.key(), {});
  });
  for (const auto& [from, to] : overlay_.ranges())
    base_.scan(from, to, [&](std::string_view key, std::string_view) {
      const Overlay::Entry* entry = overlay_.find(key);
      if (status.ok() && (entry == nullptr || entry->erased)) status = writer.write(name, key, {});
    });
  return status;
}

void OverlaidStore::write_out() {
  for (const auto& [from, to] : overlay_.ranges()) base_.erase_range(from, to);
  // A sorted table takes ascending keys nearly twice as fast.
  overlay_.each(overlay_.sorted(), [this](const Overlay::Entry& entry) {
    if (!entry.erased)
      base_.put(entry.key(), entry.value());
    else if (!overlay_.in_erased_range(entry.key()))
      base_.erase(entry.key());
  });
}

void OverlaidStore::settle() {
  if (!changed()) return;
  const std::size_t changes = overlay_.changes().size();
  const bool worth = remembers_ && std::exchange(looked_up_, 0) * 2 >= changes &&
                     overlay_.changed_bytes() <= changes * kMostRemembered;
  if (!worth) return forget();
  overlay_.settle();
  const std::size_t most = remembered_.hold(overlay_.bytes());
  if (overlay_.bytes() <= most) return;
  overlay_.shrink(most);
  remembered_.hold(overlay_.bytes());
}

void OverlaidStore::discard() {
  if (changed()) forget();
}

void OverlaidStore::forget() {
  overlay_.clear();
  looked_up_ = 0;
  remembered_.hold(0);
}

}  // namespace millrace
