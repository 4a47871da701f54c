#include "millrace/operators/punctuations.h"

#include <vector>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/check.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr char kPrefix = 'p';
constexpr std::string_view kEndedKey = "e";

std::string key_of(PunctuationType type, std::string_view tag) {
  std::string key{kPrefix, static_cast<char>(type)};
  return key.append(tag);
}

}  // namespace

void Punctuations::open(KeyValueStore& store) {
  store_ = &store;
  reload();
}

void Punctuations::reload() {
  for (Schedule& schedule : schedules_) schedule = {};
  ended_run_ = 0;
  if (const auto value = store_->get(kEndedKey)) {
    ByteReader in(*value);
    const auto version = in.get<std::uint8_t>();
    ended_run_ = in.get<std::uint32_t>();
    MILLRACE_CHECK(version == kVersion && in.done(), "a store holds what this program put there");
  }
  store_->scan(std::string_view(&kPrefix, 1), [&](std::string_view key, std::string_view value) {
    ByteReader in(value);
    const auto version = in.get<std::uint8_t>();
    const auto at_ms = in.get<std::int64_t>();
    MILLRACE_CHECK(version == kVersion && in.done() && key.size() >= 2 && key[1] <= 1,
                   "a store holds what this program put there");
    Schedule& schedule = of(static_cast<PunctuationType>(key[1]));
    schedule.at.emplace(key.substr(2), at_ms);
    schedule.due.emplace(at_ms, key.substr(2));
  });
}

void Punctuations::schedule(PunctuationType type, std::int64_t at_ms, std::string_view tag) {
  Schedule& schedule = of(type);
  const auto [found, fresh] = schedule.at.try_emplace(std::string(tag), at_ms);
  if (!fresh) {
    if (found->second == at_ms) return;
    schedule.due.erase({found->second, found->first});
    found->second = at_ms;
  }
  schedule.due.emplace(at_ms, tag);
  std::string value;
  ByteWriter(value).put(kVersion).put(at_ms);
  store_->put(key_of(type, tag), value);
}

void Punctuations::cancel(PunctuationType type, std::string_view tag) { take(type, tag); }

bool Punctuations::take(PunctuationType type, std::string_view tag) {
  Schedule& schedule = of(type);
  const auto found = schedule.at.find(tag);
  if (found == schedule.at.end()) return false;
  store_->erase(key_of(type, tag));
  schedule.due.erase({found->second, found->first});
  schedule.at.erase(found);
  return true;
}

/// Whether the end of the run has come here before. It is noted: what repeats itself would come for
/// ever.
bool Punctuations::has_ended(std::uint32_t run) {
  if (ended_run_ == run) return true;
  ended_run_ = run;
  std::string value;
  ByteWriter(value).put(kVersion).put(run);
  store_->put(kEndedKey, value);
  return false;
}

void Punctuations::fire(PunctuationType type, std::int64_t now_ms, std::uint32_t run,
                        const std::function<void(const Punctuation&)>& visit) {
  if (now_ms == kEndOfTime && has_ended(run)) return;
  Schedule& schedule = of(type);
  std::vector<std::pair<std::int64_t, std::string>> due;
  for (const auto& each : schedule.due) {
    if (each.first > now_ms) break;
    due.push_back(each);
  }
  for (const auto& [at_ms, tag] : due) {
    const auto found = schedule.at.find(tag);
    if (found == schedule.at.end() || found->second != at_ms) continue;  // another one's visit
    take(type, tag);
    Punctuation punctuation{type, at_ms, now_ms == kEndOfTime ? at_ms : now_ms, tag, {}};
    punctuation.info.key = tag;
    if (type == PunctuationType::kEventTime) punctuation.info.event_time_ms = at_ms;
    visit(punctuation);
  }
}

}  // namespace millrace
