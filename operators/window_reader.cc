#include "millrace/operators/window_reader.h"

#include <fmt/format.h>

#include "millrace/operators/codec/json_writer.h"
#include "millrace/operators/distinct_delta_format.h"
#include "millrace/operators/key_text.h"
#include "millrace/operators/stored_windows.h"

namespace millrace {

Result<AssignedWindow> WindowReader::window_named(std::string_view key) const {
  const std::size_t slash = key.find('/');
  if (slash != std::string_view::npos)
    if (const auto start_s = key_from_text<std::int64_t>(key.substr(0, slash));
        start_s && *start_s >= INT64_MIN / 1000 && *start_s <= INT64_MAX / 1000)
      for (const AssignedWindow& window : windows_starting_at(plan(), *start_s * 1000))
        if (plan().definitions[static_cast<std::size_t>(window.definition)].name() ==
            key.substr(slash + 1))
          return window;
  return Status::invalid(
      fmt::format("'{}' is no window: give its start in seconds, a slash, and one of {} ({})", key,
                  plan().describe(), "such as 1468244340/60"));
}

Result<std::optional<std::string>> WindowReader::partition_key(std::string_view key) const {
  const auto window = window_named(key);
  if (!window.ok()) return window.status();
  return std::optional<std::string>();
}

Status WindowReader::answer(const StoreQuestion& question, std::int32_t partition,
                            StoreSnapshot& snapshot, StoreAnswer& answer) const {
  std::vector<AssignedWindow> asked;
  if (question.key) {
    const auto window = window_named(*question.key);
    if (!window.ok()) return window.status();
    asked.push_back(*window);
  } else if (question.window_start_ms) {
    asked = windows_starting_at(plan(), *question.window_start_ms);
  } else {
    // One more tells that there are more.
    for (const WindowStats& window : windows(snapshot, question.limit + 1))
      answer.entries.push_back(entry(window, partition));
  }
  for (const AssignedWindow& window : asked) {
    std::string name(1, WindowBoard::kWindowPrefix);
    append_window_key(plan(), window, name);
    const auto found = snapshot.get(name);
    if (!found) continue;
    const std::string value(*found);  // counting reads on
    answer.entries.push_back(
        entry(stats(window, std::string_view(name).substr(1), value, snapshot), partition));
  }
  finish_answer(question.limit, answer);
  return {};
}

std::vector<WindowStats> WindowReader::windows(StoreSnapshot& snapshot, std::size_t limit) const {
  std::vector<WindowStats> found;
  std::size_t taken = 0;
  int of = -1;
  each_stored_window(
      snapshot, plan(), WindowBoard::kWindowPrefix,
      [&](const AssignedWindow& window, std::string_view key, std::string_view value) {
        if (std::exchange(of, window.definition) != window.definition) taken = 0;
        if (taken++ < limit) found.push_back(stats(window, key, value, snapshot));
        return taken < limit;
      });
  return found;
}

WindowStats WindowReader::stats(const AssignedWindow& window, std::string_view key,
                                std::string_view value, StoreSnapshot& snapshot) const {
  ByteReader in(value);
  const WindowBoard::Stored stored = WindowBoard::read_stored(in);
  const Counts counts = count(stored, key, in.rest(), snapshot);
  WindowStats stats;
  stats.definition = plan().definitions[static_cast<std::size_t>(window.definition)];
  stats.window = window.window;
  stats.users = counts.users;
  stats.frames = counts.frames;
  stats.final = stored.revision > 0 && !stored.changed;
  stats.revision = stats.final ? stored.revision - 1 : stored.revision;
  return stats;
}

StoreEntry WindowReader::entry(const WindowStats& stats, std::int32_t partition) const {
  StoreEntry entry{stats.window.start_ms, stats.window.end_ms, {}};
  JsonWriter json(entry.json);
  json.begin_object()
      .key("key")
      .string(window_key(stats.definition, stats.window))
      .key("window")
      .string(stats.definition.name())
      .key("start_ms")
      .integer(entry.start_ms)
      .key("end_ms")
      .integer(entry.end_ms)
      .key("users")
      .integer(stats.users)
      .key("frames")
      .integer(stats.frames)
      .key("final")
      .boolean(stats.final)
      .key("revision")
      .integer(stats.revision);
  if (sharded_) json.key("shard").integer(partition);
  json.end_object();
  return entry;
}

}  // namespace millrace
