#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// A store as one commit has left it. Lives, as all views that it gives, for one
/// CommittedStore::read().
class StoreSnapshot {
 public:
  enum class Order { kAscending, kDescending };

  virtual ~StoreSnapshot() = default;
  /// The value, as a view that lives until the next call of get().
  virtual std::optional<std::string_view> get(std::string_view key) = 0;
  /// Calls `visit` for the keys in [from, to) until it returns false; a null `to` is the end of all
  /// keys. `visit` may get().
  virtual void scan(
      std::string_view from, std::string_view to, Order order,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) = 0;
};

/// What is committed of one store of a task, for threads that are not the task's. Thread-safe.
///
/// It may be kept: once the task lets go of its state it answers kRetry.
class CommittedStore {
 public:
  virtual ~CommittedStore() = default;
  /// Calls `look` once with the store as one commit has left it, never a part of one. The task that
  /// lets go of its state waits for `look`, and one in memory also does at a commit: look at a
  /// bounded number of keys, and wait for nothing there.
  ///
  /// kRetry: gone, `look` was not called or did not see all; kFailed: the disk failed.
  virtual Status read(const std::function<void(StoreSnapshot&)>& look) const = 0;
};

/// Of the stores of one task, by name.
using CommittedStores = std::map<std::string, std::shared_ptr<const CommittedStore>, std::less<>>;

}  // namespace millrace
