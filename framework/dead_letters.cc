#include "millrace/framework/dead_letters.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace millrace {

void DeadLetters::remember(const TopicPartition& source, const RecordView& record,
                           RecordError error, std::string_view detail) {
  ++counts_[static_cast<std::size_t>(error)];
  const std::size_t place = refused_++ % kLast;
  if (place == pending_.size()) pending_.emplace_back();
  RefusedRecord& kept = pending_[place];
  kept.partition = source;
  kept.offset = record.offset;
  kept.error = error;
  kept.detail.assign(detail);
  kept.value.assign(record.value.substr(0, kValueBytes));
}

void DeadLetters::committed(std::int64_t now_ms) {
  committed_ = counts_;
  if (refused_ == 0) return;
  const std::size_t fresh = std::min(refused_, kLast);
  const std::size_t kept = std::min(last_->size(), kLast - fresh);
  auto last = std::make_shared<std::vector<RefusedRecord>>(
      last_->end() - static_cast<std::ptrdiff_t>(kept), last_->end());
  for (std::size_t i = refused_ - fresh; i < refused_; ++i) {
    last->push_back(pending_[i % kLast]);
    last->back().committed_ms = now_ms;
  }
  last_ = std::move(last);
  refused_ = 0;
}

void DeadLetters::aborted() {
  counts_ = committed_;
  refused_ = 0;
}

Status DeadLetters::refuse(const TopicPartition& source, const RecordView& record,
                           RecordError error, std::string_view detail) {
  remember(source, record, error, detail);
  switch (options_.policy) {
    case BadRecordPolicy::kSkip:
      return {};
    case BadRecordPolicy::kStop:
      return Status::failed(
          fmt::format("bad record in '{}' partition {} offset {}: {}{}{}: set a dead-letter "
                      "destination (--dead-letter) or skip "
                      "bad records (--on-bad-record skip) to go on",
                      source.topic, source.partition, record.offset, to_string(error),
                      detail.empty() ? "" : " ", detail));
    case BadRecordPolicy::kDeadLetter:
      break;
  }
  const std::string partition = std::to_string(source.partition);
  const std::string offset = std::to_string(record.offset);
  const std::string timestamp = std::to_string(record.timestamp_ms);
  std::vector<Header> headers(record.headers.begin(), record.headers.end());
  headers.insert(headers.end(), {{"millrace.topic", source.topic},
                                 {"millrace.partition", partition},
                                 {"millrace.offset", offset},
                                 {"millrace.timestamp", timestamp},
                                 {"millrace.error", to_string(error)},
                                 {"millrace.detail", detail}});
  collector_.send({.topic = options_.topic,
                   .partition = source.partition % options_.partitions,
                   .key = record.key,
                   .value = record.value,
                   .headers = headers});
  return {};
}

}  // namespace millrace
