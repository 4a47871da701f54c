#include "millrace/state/map_local_table.h"

namespace millrace {

std::optional<std::string_view> MapLocalTable::get(std::string_view key) {
  const auto found = map_.find(key);
  if (found == map_.end()) return std::nullopt;
  return found->second;
}

void MapLocalTable::find_many(std::span<const std::string_view> keys,
                              const std::function<void(std::size_t)>& visit) {
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (map_.contains(keys[i])) visit(i);
}

std::optional<std::string> MapLocalTable::first_key(std::string_view from) {
  const auto found = map_.lower_bound(from);
  if (found == map_.end()) return std::nullopt;
  return found->first;
}

void MapLocalTable::put(std::string_view key, std::string_view value) {
  map_.insert_or_assign(std::string(key), std::string(value));
}

void MapLocalTable::put_keys(std::size_t count, const std::function<std::string_view()>& next) {
  for (; count > 0; --count) map_.insert_or_assign(std::string(next()), std::string());
}

void MapLocalTable::erase_range(std::string_view from, std::string_view to) {
  if (from < to) map_.erase(map_.lower_bound(from), map_.lower_bound(to));
}

}  // namespace millrace
