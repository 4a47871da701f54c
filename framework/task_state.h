#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/committed_store.h"
#include "millrace/framework/memory_budget.h"
#include "millrace/framework/record.h"
#include "millrace/framework/status.h"

/// What a Task keeps and commits through. Implemented by state/; the Task receives a factory.
namespace millrace {

/// The least key that is greater than all with this prefix; empty: there is none.
inline std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

/// A named map of bytes with an overlay: writes are seen by reads at once, and are undone by
/// TaskState::discard(). One thread.
///
/// A store whose disk fails reads as if it were empty, and TaskState::prepare() reports it: what
/// was computed from such a read is never committed.
class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;
  /// The value, as a view that lives until the next call on this store; none if there is none.
  virtual std::optional<std::string_view> get(std::string_view key) = 0;
  virtual void put(std::string_view key, std::string_view value) = 0;
  /// put() of each key with the value that has its place, which is faster.
  virtual void put_many(std::span<const std::string_view> keys,
                        std::span<const std::string_view> values) = 0;
  virtual void erase(std::string_view key) = 0;
  /// Erases all keys in [from, to): retention drops whole ranges, so that what stays costs nothing.
  virtual void erase_range(std::string_view from, std::string_view to) = 0;
  /// Looks many keys up at once, which a store on disk does far faster than one by one. Calls
  /// `visit` once for each with its index, in any order; `visit` must not use the store.
  virtual void get_many(
      std::span<const std::string_view> keys,
      const std::function<void(std::size_t index, std::optional<std::string_view> value)>&
          visit) = 0;
  /// Calls `visit` for all keys with this prefix, ascending. `visit` must not write to the store.
  virtual void scan(
      std::string_view prefix,
      const std::function<void(std::string_view key, std::string_view value)>& visit) = 0;
};

/// A map of bytes that a task keeps beside one of its stores, on its own disk and nowhere else: for
/// what can be made again from the store, such as an index of it. One thread.
///
/// It has no changelog and no part in commits: what is written stays, whatever becomes of the
/// transaction. So only what was committed may be written, and a reader has to find out how much of
/// that is here. It is empty wherever the task is new, and emptied when its store is dropped.
/// Failures are kept: a read that failed finds nothing, and TaskState::prepare() reports it.
class LocalTable {
 public:
  virtual ~LocalTable() = default;
  /// The value, as a view that lives until the next call on this table; none if there is none.
  virtual std::optional<std::string_view> get(std::string_view key) = 0;
  /// Looks many keys up at once. Calls `visit` with the index of each that is there, in any order;
  /// `visit` must not use the table.
  virtual void find_many(std::span<const std::string_view> keys,
                         const std::function<void(std::size_t index)>& visit) = 0;
  /// The first key that is not less than `from`; none if there is none.
  virtual std::optional<std::string> first_key(std::string_view from) = 0;
  virtual void put(std::string_view key, std::string_view value) = 0;
  /// Puts `count` keys without values, all or none. `next` gives them one after the other,
  /// ascending; each lives until the next.
  virtual void put_keys(std::size_t count, const std::function<std::string_view()>& next) = 0;
  /// Erases all keys in [from, to).
  virtual void erase_range(std::string_view from, std::string_view to) = 0;
};

/// `delete.retention.ms` of changelogs: how long a tombstone can be read there. State that was away
/// for half of it is restored from the start.
inline constexpr std::chrono::milliseconds kChangelogDeleteRetention = std::chrono::hours(24);

/// Takes a store's changes into the open transaction (step 2 of the commit).
class ChangelogWriter {
 public:
  virtual ~ChangelogWriter() = default;
  /// A null value (nullptr data) is a tombstone.
  virtual Status write(std::string_view store, std::string_view key, std::string_view value) = 0;
};

/// All stores of one task. The life of a commit: prepare() → transaction → apply(); or discard().
class TaskState {
 public:
  virtual ~TaskState() = default;
  /// REQUIRES: `name` is one of the task's stores.
  virtual KeyValueStore& store(std::string_view name) = 0;
  /// What is kept beside this store; made when it is first asked for. REQUIRES: as store(); the
  /// take-over is over.
  virtual LocalTable& local_table(std::string_view name) = 0;
  /// What is committed of it, for other threads. REQUIRES: as store().
  virtual std::shared_ptr<const CommittedStore> committed(std::string_view name) const = 0;
  /// For what operators hold in memory; null: there is no limit.
  virtual MemoryBudget* memory_budget() = 0;
  /// Where the changelog of this store is to be read from at a take-over; 0: from its start.
  virtual std::int64_t changelog_position(std::string_view store) const = 0;
  /// Takes committed changelog records in; a null value erases. `position` is where the changelog
  /// is to be read on: a restore that is broken off goes on there, or a limited number of bytes
  /// before. The store is not read until restored().
  virtual Status restore(std::string_view store, std::span<const RecordView> records,
                         std::int64_t position) = 0;
  /// The take-over has read the changelog up to `position`, its end. If that took so long that a
  /// tombstone may have been missed, the store is reset() instead (its position is below the end
  /// again): the take-over begins anew, with a new TaskState.
  virtual Status restored(std::string_view store, std::int64_t position) = 0;
  /// Drops the store's data and its position, which do not fit the changelog: it is restored from
  /// the start.
  virtual Status reset(std::string_view store) = 0;
  /// Writes what changed since the last commit: one record per key, none for keys that came and
  /// went. (A store on disk may write a tombstone for such a key where knowing better would cost a
  /// read.) Reports what has failed before: reads cannot.
  virtual Status prepare(ChangelogWriter& writer) = 0;
  /// Steps 5 and 6: the overlay becomes state. `positions`: the changelog's end per store, in the
  /// order of the factory's names.
  virtual Status apply(std::span<const std::int64_t> positions) = 0;
  virtual void discard() = 0;
  virtual bool changed() const = 0;  ///< something is in the overlay
  /// What the store takes, with what is kept beside it, on disk and in write buffers; none where
  /// nobody counts. Cheap enough for each commit. REQUIRES: as store().
  virtual std::optional<std::uint64_t> bytes(std::string_view) const { return std::nullopt; }
  /// Memory that the overlay takes: what the next commit writes, and a little more.
  virtual std::size_t pending_bytes() const = 0;
};

struct TaskStateOptions {
  std::string application_id;
  std::string task;  ///< "<sub-topology>_<partition>"
  std::string topology_fingerprint;
  std::vector<std::string> stores;
  /// Of the task; what an earlier one has left is dropped. See OffsetMetadata::life.
  std::uint64_t life = 0;
};

/// May answer kRetry: another thread of this process has not let go of the task's state yet.
using TaskStateFactory = std::function<Result<std::unique_ptr<TaskState>>(const TaskStateOptions&)>;

}  // namespace millrace
