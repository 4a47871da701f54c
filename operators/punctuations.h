#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/record_info.h"
#include "millrace/framework/task_state.h"

namespace millrace {

enum class PunctuationType : std::uint8_t { kEventTime = 0, kWallClock = 1 };

/// A moment that was scheduled and has come. Lives for the call.
struct Punctuation {
  PunctuationType type = PunctuationType::kEventTime;
  std::int64_t at_ms = 0;   ///< what it was scheduled for
  std::int64_t now_ms = 0;  ///< what time it is; at the end of a bounded input: at_ms
  std::string_view tag;     ///< what it was scheduled with
  RecordInfo info;          ///< for results: event time at_ms (wall clock: none), the tag as key
};

/// What a task has scheduled, in its store: it outlives the task, and an abort takes changes back.
/// One thread.
class Punctuations {
 public:
  /// Reads what is there. `store` must outlive this.
  void open(KeyValueStore& store);
  /// After an abort.
  void reload();

  /// One moment per type and tag: a later call replaces it.
  void schedule(PunctuationType type, std::int64_t at_ms, std::string_view tag);
  void cancel(PunctuationType type, std::string_view tag);
  /// Calls `visit` for all that are due, by time and then tag, each taken out before. What `visit`
  /// schedules comes at the next commit at the earliest. At kEndOfTime everything is due, once in
  /// each `run` (design §5.9).
  void fire(PunctuationType type, std::int64_t now_ms, std::uint32_t run,
            const std::function<void(const Punctuation&)>& visit);

 private:
  using Due = std::set<std::pair<std::int64_t, std::string>>;
  struct Schedule {
    std::map<std::string, std::int64_t, std::less<>> at;
    Due due;
  };
  Schedule& of(PunctuationType type) { return schedules_[static_cast<std::size_t>(type)]; }
  bool take(PunctuationType type, std::string_view tag);
  bool has_ended(std::uint32_t run);

  KeyValueStore* store_ = nullptr;
  Schedule schedules_[2];
  std::uint32_t ended_run_ = 0;  ///< whose end has come here
};

}  // namespace millrace
