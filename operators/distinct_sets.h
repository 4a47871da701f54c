#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "millrace/framework/task_context.h"
#include "millrace/operators/distinct_set_format.h"
#include "millrace/operators/fingerprint_set.h"

namespace millrace {

class DistinctSets;

/// The exact users of one window. All of them are in the store, as parts; who is new is decided in
/// memory, and where that does not suffice by an index on the disk beside the store. One thread.
///
/// Memory holds what the index has not, and some of what it has. It is filled when the set is first
/// asked, and given back by DistinctSets::make_room(): a small set that nothing was added to is
/// forgotten, to be read again when it is asked again; any other goes into the index. The index has
/// committed users only, and a head that says up to which part it knows them: so it is right
/// whatever happens to a transaction, or while another process had the task.
class DistinctSet {
 public:
  /// An empty one. `key`: the window's; `sets` outlives it.
  DistinctSet(DistinctSets& sets, std::string key);
  ~DistinctSet();
  DistinctSet(const DistinctSet&) = delete;
  DistinctSet& operator=(const DistinctSet&) = delete;

  std::uint64_t users() const { return head_.users; }
  /// Removes from `prints` whom the set has, and adds the others.
  void add(std::vector<Fingerprint>& prints);

  /// Writes what was added since the last commit.
  void save(KeyValueStore& store);
  const DistinctSetHead& head() const { return head_; }
  /// Is what the store has. REQUIRES: nothing was added.
  void restore(const DistinctSetHead& head);
  /// Erases all that is stored of it.
  void erase(KeyValueStore& store);

  static constexpr std::uint32_t kFanIn = 64;
  static constexpr std::size_t kMaxPartBytes = 512 * 1024;
  /// Smaller ones are read faster than they are put into an index.
  static constexpr std::size_t kSmallBytes = std::size_t{1} << 20;

 private:
  friend class DistinctSets;

  void recall();
  void give_way();
  void move_to_index();
  void drop_indexed(std::vector<Fingerprint>& prints) const;
  void charge();
  void store_part(std::size_t level, std::string_view part, KeyValueStore& store);
  void merge_level(std::size_t level, KeyValueStore& store);

  DistinctSets& sets_;
  const std::string key_;
  DistinctSetHead head_;
  FingerprintSet memory_;
  std::vector<Fingerprint> fresh_;  ///< not yet in the store; memory has them
  bool known_ = true;               ///< memory and index together have all
  bool indexed_ = false;            ///< the index has what memory has not
  bool recalling_ = false;
  std::uint64_t used_ = 0;  ///< the turn in which it was last asked
  std::size_t charged_ = 0;
};

/// What the sets of one task share: where they are stored, and how much memory they may take. One
/// thread.
class DistinctSets {
 public:
  DistinctSets() = default;
  DistinctSets(const DistinctSets&) = delete;
  DistinctSets& operator=(const DistinctSets&) = delete;

  void open(TaskContext& context, const std::string& store);
  /// Drops indexes of windows that are gone: another process had the task then.
  void drop_unknown(const std::function<bool(std::string_view key)>& known);
  /// To be called after each turn that asked sets, and after each commit, but not between the
  /// writing of a commit and its end: gives memory back where more is held than may be. Those that
  /// were not asked for longest go first, of those of the last turn the largest.
  void make_room();

 private:
  friend class DistinctSet;

  DistinctSetHead index_head(std::string_view key, const DistinctSetHead& stored);
  void clear_index(std::string_view key);
  bool over() { return held_ > share_.hold(held_); }

  TaskContext* context_ = nullptr;
  KeyValueStore* store_ = nullptr;
  LocalTable* index_ = nullptr;
  MemoryBudget::Share share_;
  std::unordered_set<DistinctSet*> charged_;  ///< those that hold memory
  std::size_t held_ = 0;
  std::uint64_t turn_ = 0;
  std::string key_bytes_;               // of drop_indexed()
  std::vector<std::string_view> keys_;  // of drop_indexed()
  std::vector<bool> found_;             // of drop_indexed()
};

}  // namespace millrace
