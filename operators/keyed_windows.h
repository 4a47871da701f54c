#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/byte_order.h"
#include "millrace/operators/window_board.h"

namespace millrace {

/// The windows of an aggregation per key and window: where their keys stand in the store, and when
/// they are emitted and dropped. Knows nothing of the user's types. One thread.
///
/// A key of a window stands as 'v', window, key: a window is one range, emitted by a scan in the
/// order of its keys and dropped as a range.
class KeyedWindows final : public WindowBoard {
 public:
  /// Of the keys of values, in the store.
  static constexpr char kValuePrefix = 'v';
  /// What stands before each value in the store.
  struct Head {
    bool due = false;            ///< has changed since it was last emitted as final
    std::uint32_t revision = 0;  ///< how often it was
  };
  static void append_head(Head head, std::string& out);
  static Head read_head(ByteReader& in);

  /// A result that is due. Views live for the call.
  struct Due {
    Window window;
    std::string_view key;
    std::string_view value;  ///< behind its head
    std::uint32_t revision;
  };
  using Sink = std::function<void(const Due&)>;

  KeyedWindows(Options options, Sink sink)
      : WindowBoard(std::move(options)), sink_(std::move(sink)) {}

  /// A window that takes a value, and how its keys begin in the store.
  struct Target {
    Window window;
    std::string prefix;
  };
  /// The windows of an assignment that take its values; they are about to change. Lives until the
  /// next call, flush() or aborted().
  const std::vector<Target>& select(const WindowAssignment& assignment);
  /// Counts a value of the selected assignment.
  void count() { count_dropped(expired_); }

  void flush();
  void aborted();

 private:
  struct Nothing final : Entry {};

  std::unique_ptr<Entry> make_entry(const AssignedWindow&) override {
    return std::make_unique<Nothing>();
  }
  void save(Entry&, std::string_view, KeyValueStore&) override {}
  void load(Entry&, std::string_view, KeyValueStore&) override {}
  void erase(Entry& entry, std::string_view key, KeyValueStore& store) override;
  std::size_t emit(const Entry& entry, bool final, bool exact) override;
  void end_emission() override {}
  std::string prefix_of(const AssignedWindow& window) const;

  Sink sink_;
  const WindowAssignment* selected_ = nullptr;
  std::vector<Target> targets_;
  std::uint64_t expired_ = 0;  ///< windows of the selected assignment whose state is gone
  std::vector<std::pair<std::string, std::string>> sent_;
};

}  // namespace millrace
