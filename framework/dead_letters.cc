#include "millrace/framework/dead_letters.h"

#include <fmt/format.h>

#include <vector>

namespace millrace {

Status DeadLetters::refuse(const TopicPartition& source, const RecordView& record,
                           RecordError error, std::string_view detail) {
  ++counts_[static_cast<std::size_t>(error)];
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
