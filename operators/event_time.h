#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/framework/graph.h"
#include "millrace/framework/record_info.h"
#include "millrace/framework/source_partition.h"
#include "millrace/framework/task_context.h"

namespace millrace {

/// How far behind the highest event time of its partition a record may come without being late.
struct Lateness {
  std::chrono::milliseconds value;
};
inline Lateness lateness(std::chrono::milliseconds value) { return {value}; }

/// A record whose event time leaps further ahead than this waits until its successors confirm it
/// (design §5.6).
struct JumpGuardOption {
  std::optional<std::chrono::milliseconds> value;
};
inline JumpGuardOption jump_guard(std::chrono::milliseconds value) { return {value}; }
inline JumpGuardOption no_jump_guard() { return {std::nullopt}; }

namespace event_time_detail {
template <class Time>
inline constexpr bool is_sys_time = false;
template <class Duration>
inline constexpr bool is_sys_time<std::chrono::sys_time<Duration>> = true;

/// What describe() says of lateness and guard.
std::string tuning(std::int64_t lateness_ms, std::optional<std::int64_t> guard_ms);
}  // namespace event_time_detail

/// Takes each record's event time from its value, and raises the watermark of its partition by it.
///
/// The watermark is the highest accepted time minus the lateness; its durable home is the
/// partition's offset metadata. A record far ahead of its partition waits for its successors (jump
/// guard): a lone one is dead-lettered. Must stand in the chain of a source, before flat_map.
///
///     source | event_time(&Frame::ts, lateness(5s), jump_guard(1h))
template <class Projection>
class EventTime {
 public:
  static constexpr std::string_view kName = "event_time";
  template <class T>
  struct Output {
    static_assert(std::invocable<Projection&, const T&>,
                  "event_time(f): f must be a member or a function that gives the time of the "
                  "stream's value");
    static_assert(event_time_detail::is_sys_time<
                      std::remove_cvref_t<std::invoke_result_t<Projection&, const T&>>>,
                  "event_time(f): the time must be a std::chrono::sys_seconds or sys_time, so that "
                  "its unit is known");
    using type = T;
  };

  EventTime(Projection projection, Lateness lateness, JumpGuardOption guard)
      : projection_(std::move(projection)), lateness_ms_(lateness.value.count()) {
    if (guard.value) guard_ms_ = guard.value->count();
  }

  std::string tuning() const { return event_time_detail::tuning(lateness_ms_, guard_ms_); }
  void annotate(StreamTraits& traits, Graph& graph) {
    if (traits.one_to_many)
      graph.fail("event_time stands behind flat_map: one record has one time, put it before");
    if (traits.behind_edge)
      graph.fail(
          "event_time stands behind split, branch, merge or more than 16 operators: it belongs "
          "into "
          "the chain of its source, put it before");
    if (traits.behind_repartition)
      graph.fail("event_time stands behind a repartition: put it before the cut");
    traits.has_event_time = true;
    traits.lateness_ms = lateness_ms_;
    topic_ = traits.source;
  }
  void open(TaskContext& context) {
    source_ = &context.source(topic_);
    source_->configure_time(lateness_ms_, guard_ms_ ? JumpGuard(*guard_ms_) : JumpGuard());
  }

  template <class T, class Next>
  void operator()(T&& value, const RecordInfo& info, Next&& next) {
    const auto time = std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::invoke(projection_, std::as_const(value)));
    RecordInfo timed = info;
    timed.event_time_ms = time.time_since_epoch().count();
    if (source_->admit(timed.event_time_ms, info.timestamp_ms) !=
        SourcePartition::Admission::kAccept) [[unlikely]]
      return;
    timed.watermark_ms = source_->watermark_ms();
    source_->accepted(timed.event_time_ms);
    next(std::forward<T>(value), timed);
  }

 private:
  Projection projection_;
  std::int64_t lateness_ms_;
  std::optional<std::int64_t> guard_ms_;
  TopicName topic_;
  SourcePartition* source_ = nullptr;
};

template <class Projection>
EventTime<Projection> event_time(Projection projection,
                                 Lateness late = lateness(std::chrono::seconds(5)),
                                 JumpGuardOption guard = jump_guard(std::chrono::hours(1))) {
  return EventTime<Projection>(std::move(projection), late, guard);
}

}  // namespace millrace
