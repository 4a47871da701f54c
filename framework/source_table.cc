#include "millrace/framework/source_table.h"

#include <algorithm>
#include <string>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/check.h"
#include "millrace/framework/repartition_format.h"

namespace millrace {
namespace {

std::string key_of(std::int32_t source) {
  std::string key(1, SourceTable::kPrefix);
  ByteWriter(key).put(source);
  return key;
}

std::int32_t expected_sources(const auto& words) {
  std::int32_t count = 0;
  for (const SourceWord& word : words) count = std::max(count, word.sources);
  return count;
}

}  // namespace

SourceTable::SourceTable(KeyValueStore& store, Words words) : store_(&store), kind_(words) {
  reload();
}

void SourceTable::hear(const SourceWord& word) {
  words_[word.source] = word;
  if (store_ == nullptr) return;
  std::string value;
  encode_source_word(word, value);
  store_->put(key_of(word.source), value);
}

void SourceTable::reload() {
  words_.clear();
  if (store_ == nullptr) return;
  store_->scan(std::string_view(&kPrefix, 1), [&](std::string_view, std::string_view value) {
    auto record = decode_repartition_record(value);
    MILLRACE_CHECK(record.ok() && record->kind == RepartitionKind::kWord,
                   "a store holds what this program put there");
    words_[record->word.source] = record->word;
  });
}

std::uint32_t SourceTable::run() const {
  std::uint32_t latest = 0;
  for (const auto& [source, word] : words_) latest = std::max(latest, word.run);
  return latest;
}

std::vector<SourceWord> SourceTable::heard() const {
  const std::uint32_t latest = run();
  std::vector<SourceWord> result;
  for (const auto& [source, word] : words_)
    if (word.run == latest) result.push_back(word);
  return result;
}

bool SourceTable::complete() const {
  const auto words = heard();
  return !words.empty() && static_cast<std::int32_t>(words.size()) >= expected_sources(words);
}

SourceTable::Level SourceTable::level(std::int64_t now_ms, std::int64_t lateness_ms) const {
  if (!complete()) return {};
  const std::int64_t wall_ms = now_ms - lateness_ms;
  return kind_ == Words::kWatermarks ? watermark_level(wall_ms) : relayed_level(wall_ms);
}

SourceTable::Level SourceTable::watermark_level(std::int64_t wall_ms) const {
  std::int64_t everyone = kEndOfTime;
  std::int64_t active = kEndOfTime;
  std::int64_t waiting = kEndOfTime;
  bool any_active = false;
  bool any_waiting = false;
  for (const SourceWord& word : heard()) {
    everyone = std::min(everyone, word.watermark_ms);
    if (word.status == SourceStatus::kActive) {
      any_active = true;
      active = std::min(active, word.watermark_ms);
    }
    if (word.status != SourceStatus::kEnded) {  // within a run an ended source holds nothing back
      any_waiting = true;
      waiting = std::min(waiting, word.watermark_ms);
    }
  }
  if (any_active) return {active, waiting};
  if (!any_waiting) return {kEndOfTime, kEndOfTime};
  return {std::max(everyone, wall_ms), waiting};
}

SourceTable::Level SourceTable::relayed_level(std::int64_t wall_ms) const {
  Level result{kEndOfTime, kEndOfTime};
  for (const SourceWord& word : heard()) {
    if (word.status == SourceStatus::kEnded) continue;
    const std::int64_t closes = word.status == SourceStatus::kIdle
                                    ? std::max(word.watermark_ms, wall_ms)
                                    : word.watermark_ms;
    result.closes = std::min(result.closes, closes);
    result.exact = std::min(result.exact, word.watermark_ms);
  }
  return result;
}

std::int64_t SourceTable::settled() const {
  std::int64_t lowest = kEndOfTime;
  std::int32_t sources = 0;
  for (const auto& [source, word] : words_) {
    lowest = std::min(lowest, kind_ == Words::kWatermarks ? word.watermark_ms : word.settled_ms);
    sources = std::max(sources, word.sources);
  }
  return words_.empty() || static_cast<std::int32_t>(words_.size()) < sources ? kNoTime : lowest;
}

std::int64_t SourceTable::highest_watermark() const {
  std::int64_t highest = kNoTime;
  if (kind_ == Words::kLevels) return highest;
  for (const auto& [source, word] : words_) highest = std::max(highest, word.watermark_ms);
  return highest;
}

SourceStatus SourceTable::status() const {
  if (!complete()) return SourceStatus::kActive;
  bool all_ended = true;
  for (const SourceWord& word : heard()) {
    if (word.status == SourceStatus::kActive) return SourceStatus::kActive;
    all_ended = all_ended && word.status == SourceStatus::kEnded;
  }
  return all_ended ? SourceStatus::kEnded : SourceStatus::kIdle;
}

}  // namespace millrace
