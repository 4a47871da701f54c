#include "millrace/operators/keyed_reader.h"

#include "millrace/framework/task_state.h"
#include "millrace/operators/distinct_delta_format.h"
#include "millrace/operators/keyed_windows.h"
#include "millrace/operators/stored_windows.h"

namespace millrace {

Result<std::optional<std::string>> KeyedReader::partition_key(std::string_view text) const {
  auto key = key_of(text);
  if (key) return key;
  if (!has_key_text())
    return Status::invalid("keys of store '" + store_ +
                           "' are of several parts, which no text stands for: list the store");
  return Status::invalid("'" + std::string(text) + "' is no key of store '" + store_ +
                         "': give it as the list of the store shows its keys");
}

Status KeyedReader::answer(const StoreQuestion& question, std::int32_t, StoreSnapshot& snapshot,
                           StoreAnswer& answer) const {
  if (question.window_start_ms && !windowed())
    return Status::invalid("store '" + store_ + "' has no windows: ask without one");
  std::size_t of = 0;  // which definition's windows these are
  std::optional<AnswerLimit> limit;
  const Visit take = [&](const Found& found) {
    if (!limit || static_cast<std::size_t>(found.window.definition) != of)
      limit.emplace(question.limit);
    of = static_cast<std::size_t>(found.window.definition);
    answer.entries.push_back(
        {found.window.window.start_ms, found.window.window.end_ms, json(found)});
    const bool more = limit->take(answer.entries.back().json);
    answer.more = answer.more || !more;
    return more;
  };
  if (question.key) {
    const auto key = partition_key(*question.key);
    if (!key.ok()) return key.status();
    find(snapshot, **key, question.window_start_ms, take);
  } else {
    each(snapshot, question.window_start_ms, take);
  }
  finish_answer(question.limit, answer);
  return {};
}

void KeyedReader::find(StoreSnapshot& snapshot, std::string_view key,
                       std::optional<std::int64_t> start_ms, const Visit& visit) const {
  std::string name(1, prefix_);
  if (!windowed()) {
    if (const auto value = snapshot.get(name.append(key))) visit({key, {}, *value});
    return;
  }
  const auto look = [&](const AssignedWindow& window) {
    name.resize(1);
    append_window_key(*plan_, window, name);
    const auto bytes = snapshot.get(name.append(key));
    if (!bytes) return true;
    ByteReader in(*bytes);
    KeyedWindows::read_head(in);
    return visit({key, window, in.rest()});
  };
  if (start_ms) {
    for (const AssignedWindow& window : windows_starting_at(*plan_, *start_ms)) look(window);
    return;
  }
  std::size_t looked = 0;
  each_stored_window(snapshot, *plan_, WindowBoard::kWindowPrefix,
                     [&](const AssignedWindow& window, std::string_view, std::string_view) {
                       return ++looked <= kMostWindows && look(window);
                     });
}

void KeyedReader::each(StoreSnapshot& snapshot, std::optional<std::int64_t> start_ms,
                       const Visit& visit) const {
  const std::string_view prefix(&prefix_, 1);
  if (!windowed())
    return snapshot.scan(prefix, end_of_prefix(prefix), StoreSnapshot::Order::kAscending,
                         [&](std::string_view key, std::string_view value) {
                           return visit({key.substr(1), {}, value});
                         });
  const auto show = [&](const AssignedWindow& window, std::string_view key,
                        std::string_view bytes) {
    ByteReader in(bytes);
    KeyedWindows::read_head(in);
    return visit({key.substr(kWindowKeyBytes), window, in.rest()});
  };
  if (!start_ms) return each_stored_window(snapshot, *plan_, prefix_, show);
  for (const AssignedWindow& window : windows_starting_at(*plan_, *start_ms)) {
    std::string from(prefix);
    append_window_key(*plan_, window, from);
    snapshot.scan(from, end_of_prefix(from), StoreSnapshot::Order::kAscending,
                  [&](std::string_view key, std::string_view bytes) {
                    return show(window, key.substr(1), bytes);
                  });
  }
}

std::string KeyedReader::json(const Found& found) const {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("key");
  write_key(found.key, json);
  if (windowed())
    json.key("window")
        .string(plan_->definitions[static_cast<std::size_t>(found.window.definition)].name())
        .key("start_ms")
        .integer(found.window.window.start_ms)
        .key("end_ms")
        .integer(found.window.window.end_ms);
  write_value(found.value, json.key("value"));
  json.end_object();
  return text;
}

}  // namespace millrace
