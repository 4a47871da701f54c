#include "millrace/apps/report/window_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "millrace/apps/program/number_text.h"
#include "millrace/apps/program/table.h"

namespace millrace {
namespace {

std::string count_text(std::uint64_t count) {
  return with_thousands(static_cast<std::int64_t>(count));
}

// Averages and peak of final windows: an open one is not yet what it will be.
std::string summary(const std::string& kind, const std::vector<const WindowResult*>& final) {
  if (final.empty()) return fmt::format("no window of {} is final yet\n", kind);
  double users = 0, frames = 0, seconds = 0;
  const WindowResult* peak = final.front();
  for (const WindowResult* window : final) {
    users += static_cast<double>(window->users);
    frames += static_cast<double>(window->frames);
    seconds += static_cast<double>(window->duration_s);
    if (window->users > peak->users) peak = window;
  }
  const double windows = static_cast<double>(final.size());
  return fmt::format(
      "{} final: on average {:.1f} users, {:.1f} frames, {:.2f} frames/s; peak {} users at {}\n",
      count_text(final.size()), users / windows, frames / windows, frames / seconds,
      count_text(peak->users), peak->start);
}

}  // namespace

void WindowResults::add(WindowResult result) {
  Series& series = kinds_[result.kind()];
  const std::int64_t start_s = result.start_s;
  series.insert_or_assign(start_s, std::move(result));
}

std::string WindowResults::text(std::size_t rows) const {
  std::vector<const std::pair<const std::string, Series>*> kinds;
  for (const auto& kind : kinds_) kinds.push_back(&kind);
  std::stable_sort(kinds.begin(), kinds.end(), [](const auto* a, const auto* b) {
    return a->second.begin()->second.duration_s < b->second.begin()->second.duration_s;
  });
  std::string out;
  for (const auto* kind : kinds) {
    if (!out.empty()) out += '\n';
    out += series_text(kind->first, kind->second, rows);
  }
  return out;
}

std::string WindowResults::series_text(const std::string& kind, const Series& series,
                                       std::size_t rows) {
  constexpr auto kRight = Table::Align::kRight;
  Table table{{{"TIME"},
               {"WINDOW"},
               {"USERS", kRight},
               {"FRAMES", kRight},
               {"FRAMES/S", kRight},
               {"NOTE"}}};
  const std::size_t hidden = series.size() - std::min(series.size(), rows);
  std::vector<const WindowResult*> final;
  std::size_t row = 0;
  for (const auto& [start_s, window] : series) {
    if (window.final) final.push_back(&window);
    if (row++ < hidden) continue;
    table.add({window.start, kind, count_text(window.users), count_text(window.frames),
               fmt::format("{:.2f}", window.frames_per_s), window.note()});
  }
  std::string out = hidden == 0 ? std::string{}
                                : fmt::format("the last {} of {} windows\n", series.size() - hidden,
                                              count_text(series.size()));
  return out + table.text() + summary(kind, final);
}

}  // namespace millrace
