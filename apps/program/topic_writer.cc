#include "millrace/apps/program/topic_writer.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "millrace/apps/program/session.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;

// Nobody waits for a record longer than this without hearing why.
constexpr std::chrono::milliseconds kFlushTurn = 200ms;
constexpr std::chrono::milliseconds kFullWait = 10ms;
// Delivery reports are taken each so many records, and the clock is looked at.
constexpr std::int64_t kServeEach = 4096;

}  // namespace

Result<std::int32_t> provide_topic(Admin& admin, const std::string& topic,
                                   std::int32_t partitions) {
  const Result<TopicDescription> found = admin.describe_topic(topic);
  if (found.ok()) {
    if (partitions != 0 && partitions != found->partitions) {
      return Status::invalid(
          fmt::format("topic '{}' has {} partitions, --partitions says {}: say what it has, or "
                      "delete the topic",
                      topic, found->partitions, partitions));
    }
    return found->partitions;
  }
  if (found.status().code() != StatusCode::kNotFound) return found.status();
  TopicSpec spec;
  spec.name = topic;
  spec.partitions = partitions == 0 ? 1 : partitions;
  MILLRACE_RETURN_IF_ERROR(admin.create_topic(spec));
  return spec.partitions;
}

Result<bool> holds_records(Admin& admin, const std::string& topic) {
  const Result<TopicDescription> description = admin.describe_topic(topic);
  MILLRACE_RETURN_IF_ERROR(description.status());
  const Result<std::vector<OffsetRange>> ranges = offset_ranges(admin, partitions_of(*description));
  MILLRACE_RETURN_IF_ERROR(ranges.status());
  for (const OffsetRange& range : *ranges) {
    if (range.end > range.first) return true;
  }
  return false;
}

Status TopicWriter::write(const OutgoingRecord& record, std::int64_t bytes) {
  while (true) {
    if (stop_.requested()) return Status::retry("a stop was requested");
    const Status status = producer_.produce(record);
    if (status.ok()) break;
    if (status.code() != StatusCode::kRetry) return status;
    serve(kFullWait);
  }
  ++records_;
  bytes_ = bytes;
  if (records_ % kServeEach == 0) serve({});
  return {};
}

Status TopicWriter::flush() {
  while (true) {
    const Status status = producer_.flush(kFlushTurn);
    if (status.code() != StatusCode::kRetry) return status;
    progress_.update(records_, bytes_);
  }
}

void TopicWriter::serve(std::chrono::milliseconds timeout) {
  producer_.poll(timeout);
  progress_.update(records_, bytes_);
}

}  // namespace millrace
