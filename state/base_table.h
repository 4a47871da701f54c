#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace millrace {

/// What an OverlaidStore holds below its overlay: the committed keys of one store. One thread.
///
/// Reads that fail find nothing; who owns the table learns of it.
class BaseTable {
 public:
  virtual ~BaseTable() = default;

  /// The value, as a view that lives until the next call of get().
  virtual std::optional<std::string_view> get(std::string_view key) = 0;
  /// See KeyValueStore::get_many().
  virtual void get_many(
      std::span<const std::string_view> keys,
      const std::function<void(std::size_t index, std::optional<std::string_view> value)>&
          visit) = 0;
  /// False only if the key is certainly not there; may be true for one that is not, where knowing
  /// would cost a read.
  virtual bool may_contain(std::string_view key) = 0;
  /// Calls `visit` for the keys in [from, to), ascending; a null `to` is the end of all keys.
  virtual void scan(
      std::string_view from, std::string_view to,
      const std::function<void(std::string_view key, std::string_view value)>& visit) = 0;

  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual void erase(std::string_view key) = 0;
  virtual void erase_range(std::string_view from, std::string_view to) = 0;
};

}  // namespace millrace
