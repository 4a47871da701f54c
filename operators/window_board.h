#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/task_context.h"
#include "millrace/operators/distinct_method.h"
#include "millrace/operators/window_stats.h"
#include "millrace/operators/windows.h"

namespace millrace {

/// What operators over windows share: which windows are open, when each is emitted, revised and
/// forgotten (design §5.4, 5.5, 5.7). Subclasses say what is counted in a window. One thread.
///
/// All of it lives in the task's store, written at each commit for the windows that changed, and
/// read back after an abort.
class WindowBoard : public TimeKeeper {
 public:
  struct Options {
    std::shared_ptr<const WindowPlan> plan;
    DistinctMethod method;
    std::string store;
    std::int64_t lateness_ms = 0;
    std::int64_t update_every_ms =
        -1;                   ///< wall clock between updates of open windows; negative: none
    bool emits_final = true;  ///< false: results come otherwise, only state is kept and dropped
  };

  /// Of the keys that name windows, in the store.
  static constexpr char kWindowPrefix = 'w';
  /// What is stored of every window, whatever is counted in it.
  struct Stored {
    std::uint64_t frames = 0;
    std::uint32_t revision = 0;
    bool changed = false;
    bool moved = false;
    std::int64_t emitted_ms = -1;
  };
  /// Reads it; what a subclass has appended is left in `in`.
  static Stored read_stored(ByteReader& in);

  // What a node's are, for the node that it is part of.
  void open(TaskContext& context);
  void flush();
  void committed();
  void aborted();
  void limit(SourceWord& word) const override;
  bool behind() const override { return first_unsent_ms_.has_value(); }

  /// At most so many results in one transaction (or those of one window); the rest follows in the
  /// next ones.
  static constexpr std::size_t kMaxResults = 8192;
  /// Windows that some partition has not passed keep their state so long after their last emission
  /// (wall clock).
  static constexpr std::int64_t kKeepMs = 24LL * 3600 * 1000;

 protected:
  struct Position {
    std::int64_t close_ms;
    std::int64_t end_ms;
    std::int64_t length_ms;
    WindowKind kind;
    int definition;
    std::int64_t start_ms;
    auto operator<=>(const Position&) const = default;
  };
  /// What every window has, whatever is counted in it.
  struct Entry {
    virtual ~Entry() = default;
    AssignedWindow window;
    std::uint64_t frames = 0;
    std::uint32_t revision = 0;
    bool changed = false;  ///< since it was last emitted as final
    bool moved = false;    ///< since it was last emitted at all
    std::int64_t emitted_ms = -1;
  };

  explicit WindowBoard(Options options) : options_(std::move(options)) {}

  // --- what a subclass says
  virtual std::unique_ptr<Entry> make_entry(const AssignedWindow& window) = 0;
  /// Writes or reads what is counted in a window, beyond what every window has. `key` is the
  /// window's.
  virtual void save(Entry& entry, std::string_view key, KeyValueStore& store) = 0;
  virtual void load(Entry& entry, std::string_view key, KeyValueStore& store) = 0;
  virtual void erase(Entry& entry, std::string_view key, KeyValueStore& store) = 0;
  /// A part of it that is small and changes whenever the window does: it stands behind what every
  /// window has, in the same record. Called after save(), and before load().
  virtual void append_head(const Entry&, std::string&) const {}
  virtual void read_head(Entry&, std::string_view rest) {
    MILLRACE_CHECK(rest.empty(), "a store holds what this program put there");
  }
  /// Returns how many results it sent.
  virtual std::size_t emit(const Entry& entry, bool final, bool exact) = 0;
  virtual void end_emission() = 0;

  // --- what it may use
  const WindowPlan& plan() const { return *options_.plan; }
  const Options& options() const { return options_; }
  TaskContext& context() const { return *context_; }
  KeyValueStore& store() const { return *store_; }
  /// The window's entry, made if it is new; null if its state has expired: it is never opened
  /// again.
  Entry* find(const AssignedWindow& window);
  /// It has an entry.
  bool knows(const AssignedWindow& window) const { return windows_.contains(position(window)); }
  void drop_all() { windows_.clear(); }
  /// What is counted in the window has changed: it is written at the commit, and due again.
  void touch(Entry& entry, bool final = true);
  /// How many it has sent, also in transactions that were aborted.
  std::uint64_t results() const { return results_; }
  void count_dropped(std::uint64_t frames) { context_->counters().dropped_after_close += frames; }
  std::int64_t close_ms(const AssignedWindow& window) const {
    return window.window.end_ms + plan().grace_ms;
  }
  static std::string prefixed(char prefix, std::string_view key) {
    return std::string(1, prefix).append(key);
  }

 private:
  using Windows = std::map<Position, std::unique_ptr<Entry>>;

  Position position(const AssignedWindow& window) const;
  void write(Entry& entry);
  void read(const Position& position, std::string_view key);
  void read_gone();
  void emit_due(const SourceTable::Level& level, std::int64_t now_ms);
  void emit_updates(std::int64_t now_ms);
  void retire(const SourceTable::Level& level, std::int64_t now_ms);

  Options options_;
  TaskContext* context_ = nullptr;
  KeyValueStore* store_ = nullptr;
  Windows windows_;
  std::set<Position> touched_;      ///< since the last commit
  std::int64_t gone_ms_ = kNoTime;  ///< highest close time ever expired
  std::optional<std::int64_t> first_unsent_ms_;
  std::int64_t last_update_ms_ = 0;
  std::uint64_t results_ = 0;
};

}  // namespace millrace
