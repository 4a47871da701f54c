#pragma once

#include <functional>
#include <map>
#include <string>

#include "millrace/framework/task_state.h"

namespace millrace {

/// A local table over a map that somebody else keeps. One thread.
class MapLocalTable final : public LocalTable {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;
  explicit MapLocalTable(Map& map) : map_(map) {}

  std::optional<std::string_view> get(std::string_view key) override;
  void find_many(std::span<const std::string_view> keys,
                 const std::function<void(std::size_t)>& visit) override;
  std::optional<std::string> first_key(std::string_view from) override;
  void put(std::string_view key, std::string_view value) override;
  void put_keys(std::size_t count, const std::function<std::string_view()>& next) override;
  void erase_range(std::string_view from, std::string_view to) override;

 private:
  Map& map_;
};

}  // namespace millrace
