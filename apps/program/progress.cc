#include "millrace/apps/program/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "millrace/apps/program/duration.h"
#include "millrace/apps/program/number_text.h"

namespace millrace {
namespace {

constexpr std::size_t kBarColumns = 24;

std::string bar(double fraction) {
  const auto filled = static_cast<std::size_t>(fraction * kBarColumns);
  return fmt::format("[{}{}] {:3.0f}%", std::string(filled, '#'),
                     std::string(kBarColumns - filled, ' '), fraction * 100);
}

}  // namespace

Progress::Progress(Terminal& terminal, const Clock& clock, ProgressSpec spec)
    : terminal_{terminal},
      clock_{clock},
      spec_{std::move(spec)},
      started_ms_{clock.monotonic_ms()},
      next_ms_{started_ms_ + (terminal.interactive() ? kQuietMs : kLineMs)} {}

Progress::~Progress() { terminal_.clear_status(); }

double Progress::seconds() const {
  return static_cast<double>(clock_.monotonic_ms() - started_ms_) / 1000.0;
}

void Progress::update(std::int64_t records, std::int64_t bytes) {
  const std::int64_t now_ms = clock_.monotonic_ms();
  if (now_ms < next_ms_) return;
  if (terminal_.interactive()) {
    next_ms_ = now_ms + kRedrawMs;
    terminal_.show_status(line(records, bytes, terminal_.columns() - 1));
  } else {
    next_ms_ = now_ms + kLineMs;
    terminal_.line(line(records, bytes, std::string::npos));
  }
}

std::string Progress::line(std::int64_t records, std::int64_t bytes, std::size_t columns) const {
  const double elapsed = std::max(seconds(), 0.001);
  std::string text = spec_.task + ": ";
  double fraction = -1;
  if (spec_.total_bytes) {
    fraction = static_cast<double>(bytes) /
               static_cast<double>(std::max<std::int64_t>(*spec_.total_bytes, 1));
  } else if (spec_.total_records) {
    fraction = static_cast<double>(records) /
               static_cast<double>(std::max<std::int64_t>(*spec_.total_records, 1));
  }
  fraction = std::min(fraction, 1.0);
  if (fraction >= 0) text += bar(fraction) + ", ";
  text += fmt::format(
      "{} {}, {}/s", with_thousands(records), spec_.unit,
      with_thousands(static_cast<std::int64_t>(static_cast<double>(records) / elapsed)));
  if (bytes > 0) text += fmt::format(", {:.1f} MB/s", static_cast<double>(bytes) / 1e6 / elapsed);
  if (fraction > 0) {
    const double left = elapsed * (1 - fraction) / fraction;
    text += fmt::format(", {} left",
                        format_duration(std::chrono::seconds{static_cast<std::int64_t>(left)}));
  }
  if (text.size() > columns) text.resize(columns);
  return text;
}

}  // namespace millrace
