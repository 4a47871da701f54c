#include "millrace/operators/window_board.h"

#include <algorithm>

#include "millrace/framework/byte_order.h"
#include "millrace/operators/distinct_delta_format.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kGoneKey = "g";

}  // namespace

void WindowBoard::open(TaskContext& context) {
  context_ = &context;
  store_ = &context.store(options_.store);
  context.keep_time(*this);
  read_gone();
  std::vector<std::string> keys;
  store_->scan(std::string_view(&kWindowPrefix, 1),
               [&](std::string_view key, std::string_view) { keys.emplace_back(key.substr(1)); });
  for (const std::string& key : keys) {
    const auto window = decode_window_key(plan(), key);
    MILLRACE_CHECK(window.ok(), "the topology's fingerprint guards its stores");
    read(position(*window), key);
  }
}

WindowBoard::Position WindowBoard::position(const AssignedWindow& window) const {
  const WindowDefinition& definition =
      plan().definitions[static_cast<std::size_t>(window.definition)];
  return {close_ms(window),  window.window.end_ms, window.window.end_ms - window.window.start_ms,
          definition.kind(), window.definition,    window.window.start_ms};
}

WindowBoard::Entry* WindowBoard::find(const AssignedWindow& window) {
  const Position at = position(window);
  auto found = windows_.find(at);
  if (found == windows_.end()) {
    if (at.close_ms <= gone_ms_) return nullptr;
    found = windows_.emplace(at, make_entry(window)).first;
    found->second->window = window;
  }
  return found->second.get();
}

void WindowBoard::touch(Entry& entry, bool final) {
  entry.moved = true;
  entry.changed = entry.changed || final;
  touched_.insert(position(entry.window));
}

// --- time

void WindowBoard::flush() {
  const std::int64_t now_ms = context_->clock().wall_ms();
  const SourceTable::Level level = context_->sources().level(now_ms, options_.lateness_ms);
  emit_due(level, now_ms);
  emit_updates(now_ms);
  end_emission();
  if (!options_.emits_final)
    for (const Position& at : touched_)
      if (const auto found = windows_.find(at); found != windows_.end())
        found->second->emitted_ms = now_ms;
  retire(level, now_ms);
  // Larger windows first: they are told what is new in smaller ones. Without a transaction a crash
  // may leave the first of these records alone; what a smaller window has a larger one must have.
  for (auto at = touched_.rbegin(); at != touched_.rend(); ++at)
    if (const auto found = windows_.find(*at); found != windows_.end()) write(*found->second);
}

void WindowBoard::emit_due(const SourceTable::Level& level, std::int64_t now_ms) {
  first_unsent_ms_.reset();
  std::size_t results = 0;
  for (auto& [at, entry] : windows_) {
    if (at.close_ms > level.closes) break;
    if (!entry->changed) continue;
    if (results >= kMaxResults) {
      first_unsent_ms_ = at.close_ms;
      break;
    }
    const bool is_exact = at.close_ms <= level.exact;
    results += emit(*entry, true, is_exact);
    ++entry->revision;
    entry->changed = false;
    entry->moved = false;
    entry->emitted_ms = now_ms;
    touched_.insert(at);
  }
  results_ += results;
}

void WindowBoard::emit_updates(std::int64_t now_ms) {
  if (options_.update_every_ms < 0 || now_ms - last_update_ms_ < options_.update_every_ms) return;
  last_update_ms_ = now_ms;
  for (auto& [at, entry] : windows_) {
    if (!entry->moved) continue;
    results_ += emit(*entry, false, true);
    entry->moved = false;
    touched_.insert(at);
  }
}

/// Forgets windows to which nothing comes any more, and those that have waited long enough for a
/// slow partition.
void WindowBoard::retire(const SourceTable::Level& level, std::int64_t now_ms) {
  const std::int64_t every_ms = context_->sources().settled();
  const std::int64_t some_ms = context_->sources().highest_watermark();
  for (auto window = windows_.begin(); window != windows_.end();) {
    const auto& [at, entry] = *window;
    if (at.close_ms > std::max(every_ms, some_ms)) break;
    const bool waited = now_ms - entry->emitted_ms > kKeepMs && at.close_ms <= some_ms &&
                        at.close_ms <= level.closes;
    const bool unsent = options_.emits_final && (entry->changed || entry->revision == 0);
    if (unsent || !(at.close_ms <= every_ms || waited)) {
      ++window;
      continue;
    }
    // Nothing comes any more of what every partition has passed; but at least once, some may come
    // again, and would be taken for all that there is.
    if (at.close_ms > every_ms || context_->repeats_input()) {
      gone_ms_ = std::max(gone_ms_, at.close_ms);
      std::string value;
      ByteWriter(value).put(kVersion).put(gone_ms_);
      store_->put(kGoneKey, value);
    }
    std::string key;
    append_window_key(plan(), entry->window, key);
    store_->erase(prefixed(kWindowPrefix, key));  // first: a window without it is not read
    erase(*entry, key, *store_);
    touched_.insert(at);
    window = windows_.erase(window);
  }
}

void WindowBoard::limit(SourceWord& word) const {
  word.settled_ms = std::max(word.settled_ms, gone_ms_);
  if (first_unsent_ms_) word.watermark_ms = std::min(word.watermark_ms, *first_unsent_ms_ - 1);
  if (!windows_.empty())
    word.settled_ms = std::min(word.settled_ms, windows_.begin()->first.close_ms - 1);
}

// --- state

void WindowBoard::write(Entry& entry) {
  std::string key;
  append_window_key(plan(), entry.window, key);
  save(entry, key, *store_);
  std::string value;
  ByteWriter(value)
      .put(kVersion)
      .put(entry.frames)
      .put(entry.revision)
      .put(entry.changed)
      .put(entry.moved)
      .put(entry.emitted_ms);
  append_head(entry, value);
  store_->put(prefixed(kWindowPrefix, key), value);
}

WindowBoard::Stored WindowBoard::read_stored(ByteReader& in) {
  const auto version = in.get<std::uint8_t>();
  Stored stored;
  stored.frames = in.get<std::uint64_t>();
  stored.revision = in.get<std::uint32_t>();
  stored.changed = in.get<bool>();
  stored.moved = in.get<bool>();
  stored.emitted_ms = in.get<std::int64_t>();
  MILLRACE_CHECK(version == kVersion && in.ok(), "a store holds what this program put there");
  return stored;
}

void WindowBoard::read(const Position& at, std::string_view key) {
  const auto window = decode_window_key(plan(), key);
  auto entry = make_entry(*window);
  entry->window = *window;
  {
    const auto value = store_->get(prefixed(kWindowPrefix, key));
    if (!value) return;
    ByteReader in(*value);
    const Stored stored = read_stored(in);
    entry->frames = stored.frames;
    entry->revision = stored.revision;
    entry->changed = stored.changed;
    entry->moved = stored.moved;
    entry->emitted_ms = stored.emitted_ms;
    read_head(*entry, in.rest());
  }
  load(*entry, key, *store_);
  windows_.insert_or_assign(at, std::move(entry));
}

void WindowBoard::read_gone() {
  gone_ms_ = kNoTime;
  if (const auto value = store_->get(kGoneKey)) {
    ByteReader in(*value);
    const auto version = in.get<std::uint8_t>();
    gone_ms_ = in.get<std::int64_t>();
    MILLRACE_CHECK(version == kVersion && in.done(), "a store holds what this program put there");
  }
}

void WindowBoard::committed() { touched_.clear(); }

void WindowBoard::aborted() {
  read_gone();
  first_unsent_ms_.reset();
  for (const Position& at : touched_) {
    windows_.erase(at);
    std::string key;
    append_window_key(plan(), {at.definition, {at.start_ms, at.end_ms}}, key);
    read(at, key);
  }
  touched_.clear();
}

}  // namespace millrace
