#include "millrace/apps/program/run_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "millrace/apps/program/number_text.h"
#include "millrace/apps/program/session.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {
namespace {

constexpr std::int64_t kShowMs = 5'000;

std::uint64_t records(const RunCounters& counters) {
  return counters.accepted + counters.late + counters.dead_lettered + counters.merged;
}

std::string time_text(std::int64_t unix_ms) {
  if (unix_ms == kNoTime || unix_ms == kEndOfTime) return "none";
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

Status write_summary(const std::string& text, const std::string& path) {
  if (path.empty()) return {};
  if (path == "-") return write_output(text);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"),
                                                             &std::fclose);
  if (!file || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() ||
      std::fflush(file.get()) != 0)
    return Status::failed(
        fmt::format("cannot write the summary to {}: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace

RunReport::RunReport(ProgramLog& log, const Clock& clock, Application& application, Options options)
    : log_(log),
      clock_(clock),
      application_(application),
      options_(std::move(options)),
      started_ms_(clock.monotonic_ms()),
      shown_ms_(started_ms_) {}

void RunReport::show() {
  RunCounters counters;
  std::int64_t lowest_ms = kEndOfTime;
  std::int64_t lag = 0;
  bool running = false;
  for (const auto& thread : application_.status().threads) {
    counters.add(thread->counters);
    for (const TaskStatus& task : thread->tasks) {
      running = running || task.phase == TaskPhase::kRunning;
      for (const PartitionStatus& partition : task.partitions) {
        if (partition.highest_ms != kNoTime) lowest_ms = std::min(lowest_ms, partition.highest_ms);
        if (partition.high_watermark > partition.position)
          lag += partition.high_watermark - partition.position;
      }
    }
  }
  if (!running) return;  // nothing can be told while tasks are taken over
  const std::uint64_t now_records = records(counters);
  const std::int64_t now_ms = clock_.monotonic_ms();
  const std::uint64_t more = now_records - std::min(now_records, shown_records_);
  if (more < static_cast<std::uint64_t>(options_.every_records) && now_ms - shown_ms_ < kShowMs)
    return;
  const double seconds = static_cast<double>(std::max<std::int64_t>(now_ms - shown_ms_, 1)) / 1000;
  log_.say(LogLevel::kInfo,
           fmt::format("{} records; the last {} in {:.2f} s, {:.0f}/s; event time {}; lag {}",
                       now_records, more, seconds, static_cast<double>(more) / seconds,
                       time_text(lowest_ms), lag));
  shown_records_ = now_records;
  shown_ms_ = now_ms;
}

Status RunReport::finish(const Status& ended, bool asked, const std::string& path) {
  const auto counters = application_.committed_counters();
  if (!ended.ok())
    return {ended.code(),
            fmt::format("{}; {}{}", ended.message(), counters.ok() ? account(*counters) + "; " : "",
                        options_.going_on)};
  if (!counters.ok()) return counters.status();
  MILLRACE_RETURN_IF_ERROR(write_summary(summary(*counters) + "\n", path));
  log_.say(LogLevel::kInfo, fmt::format("{}: {}; {}; {}", options_.program,
                                        asked ? "stopped as asked" : "done, all input is read",
                                        account(*counters), options_.going_on));
  return {};
}

/// Of this run, by all copies of the application.
std::uint64_t RunReport::processed(const RunCounters& counters) const {
  return records(counters) - std::min(records(counters), records(application_.counters_at_start()));
}

double RunReport::seconds() const {
  return static_cast<double>(clock_.monotonic_ms() - started_ms_) / 1000;
}

std::string RunReport::account(const RunCounters& counters) const {
  const RunCounters& before = application_.counters_at_start();
  const auto number = [](std::uint64_t value) {
    return with_thousands(static_cast<std::int64_t>(value));
  };
  // A topology without windows and merges counts no records but those that it refuses.
  const bool counted =
      !options_.window_names.empty() || counters.accepted + counters.late + counters.merged > 0;
  std::string text = counted ? fmt::format("{} records committed in {:.1f} s",
                                           number(processed(counters)), seconds())
                             : fmt::format("what was read is committed, in {:.1f} s", seconds());
  const auto add = [&](std::uint64_t now, std::uint64_t then, std::string_view what) {
    if (now > then) text += fmt::format(", {} {}", number(now - then), what);
  };
  add(counters.late, before.late, "late");
  add(counters.dead_lettered, before.dead_lettered, "refused");
  add(counters.out_of_order, before.out_of_order, "out of order");
  add(counters.lost, before.lost, "lost");
  return text;
}

std::string RunReport::summary(const RunCounters& counters) const {
  const double seconds = this->seconds();
  const double per_second = seconds > 0 ? static_cast<double>(processed(counters)) / seconds : 0;
  std::string text;
  JsonWriter json(text);
  if (options_.window_names.empty()) {
    json.begin_object()
        .key("records")
        .integer(records(counters))
        .key("merged")
        .integer(counters.merged)
        .key("out_of_order")
        .integer(counters.out_of_order)
        .key("dead_lettered")
        .integer(counters.dead_lettered)
        .key("seconds")
        .number(seconds, 3)
        .key("records_per_s")
        .number(per_second, 0)
        .end_object();
    return text;
  }
  json.begin_object()
      .key("frames")
      .integer(records(counters))
      .key("accepted")
      .integer(counters.accepted)
      .key("late")
      .integer(counters.late)
      .key("late_by_window")
      .begin_object();
  for (std::size_t i = 0; i < options_.window_names.size(); ++i)
    json.key(options_.window_names[i])
        .integer(i < counters.late_by_window.size() ? counters.late_by_window[i] : 0);
  json.end_object()
      .key("dead_lettered")
      .integer(counters.dead_lettered)
      .key("early_closes")
      .integer(counters.early_closes)
      .key("dropped_after_close")
      .integer(counters.dropped_after_close)
      .key("lost")
      .integer(counters.lost)
      .key("seconds")
      .number(seconds, 3)
      .key("frames_per_s")
      .number(per_second, 0)
      .end_object();
  return text;
}

}  // namespace millrace
