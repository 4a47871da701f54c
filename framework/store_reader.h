#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/committed_store.h"
#include "millrace/framework/status.h"

namespace millrace {

/// What somebody wants to see of a store.
struct StoreQuestion {
  std::optional<std::string> key;                              ///< as text; none: all keys
  std::optional<std::int64_t> window_start_ms = std::nullopt;  ///< none: all windows
  std::size_t limit = 100;                                     ///< entries, at most
};

/// An entry of a store, as people see it.
struct StoreEntry {
  std::int64_t start_ms = 0;  ///< of its window; 0 where there are none
  std::int64_t end_ms = 0;
  std::string json;  ///< an object
};

/// What one task has for a question.
struct StoreAnswer {
  std::vector<StoreEntry> entries;  ///< of windows the latest start first
  bool more = false;                ///< there is more than the limit
};

/// How a store is read by people: keys are text, entries JSON. Made by the operator whose store it
/// is, a part of the topology. Immutable and thread-safe.
class StoreReader {
 public:
  virtual ~StoreReader() = default;
  /// "keyed", or "windows" where the entries are windows.
  virtual std::string_view kind() const = 0;
  /// What decides in which partition the key is, as a record key; none: it may be in all of them.
  /// kInvalid: the text is no key of this store, and says what is one.
  virtual Result<std::optional<std::string>> partition_key(std::string_view key) const = 0;
  /// Looks at a bounded number of entries. `partition`: the task's. kInvalid as partition_key(), or
  /// where a window is asked for and there are none.
  virtual Status answer(const StoreQuestion& question, std::int32_t partition,
                        StoreSnapshot& snapshot, StoreAnswer& answer) const = 0;
};

}  // namespace millrace
