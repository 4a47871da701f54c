#include "millrace/operators/keyed_windows.h"

#include "millrace/framework/check.h"
#include "millrace/operators/distinct_delta_format.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

void KeyedWindows::append_head(Head head, std::string& out) {
  ByteWriter(out).put(kVersion).put(head.due).put(head.revision);
}

KeyedWindows::Head KeyedWindows::read_head(ByteReader& in) {
  const auto version = in.get<std::uint8_t>();
  Head head;
  head.due = in.get<bool>();
  head.revision = in.get<std::uint32_t>();
  MILLRACE_CHECK(version == kVersion && in.ok(), "a store holds what this program put there");
  return head;
}

std::string KeyedWindows::prefix_of(const AssignedWindow& window) const {
  std::string prefix(1, kValuePrefix);
  append_window_key(plan(), window, prefix);
  return prefix;
}

const std::vector<KeyedWindows::Target>& KeyedWindows::select(const WindowAssignment& assignment) {
  if (selected_ == &assignment) return targets_;
  selected_ = &assignment;
  targets_.clear();
  expired_ = 0;
  for (const AssignedWindow& window : assignment.open) {
    if (Entry* const entry = find(window)) {
      touch(*entry, options().emits_final);
      targets_.push_back({window.window, prefix_of(window)});
    } else {
      ++expired_;
    }
  }
  return targets_;
}

void KeyedWindows::flush() {
  selected_ = nullptr;  // assignments end with the commit, and windows may go
  WindowBoard::flush();
}

void KeyedWindows::aborted() {
  selected_ = nullptr;
  WindowBoard::aborted();
}

std::size_t KeyedWindows::emit(const Entry& entry, bool, bool is_exact) {
  const std::string prefix = prefix_of(entry.window);
  // What settled time has passed is dropped in this very commit: nothing need be noted.
  const bool stays = close_ms(entry.window) > context().sources().settled();
  std::size_t results = 0;
  store().scan(prefix, [&](std::string_view key, std::string_view bytes) {
    ByteReader in(bytes);
    Head head = read_head(in);
    if (!head.due) return;
    ++results;
    sink_({entry.window.window, key.substr(prefix.size()), in.rest(), head.revision});
    if (!stays) return;
    auto& [name, value] = sent_.emplace_back(key, std::string());
    append_head({false, head.revision + 1}, value);
    value.append(in.rest());
  });
  for (const auto& [name, value] : sent_) store().put(name, value);
  sent_.clear();
  if (results > 0 && !is_exact) ++context().counters().early_closes;
  return results;
}

void KeyedWindows::erase(Entry&, std::string_view key, KeyValueStore& store) {
  const std::string prefix = prefixed(kValuePrefix, key);
  store.erase_range(prefix, end_of_prefix(prefix));
}

}  // namespace millrace
