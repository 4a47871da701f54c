#include "millrace/apps/program/result_topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/apps/program/session.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::chrono::milliseconds kWait = 1000ms;

// A broker that is away for now comes back; the client keeps trying.
Status tolerate(const Status& status) {
  return status.code() == StatusCode::kRetry ? Status{} : status;
}

}  // namespace

Result<std::unique_ptr<ResultTopic>> ResultTopic::open(Broker& broker, const Options& options) {
  const Result<TopicDescription> description = broker.admin().describe_topic(options.topic);
  MILLRACE_RETURN_IF_ERROR(description.status());
  const std::vector<TopicPartition> partitions = partitions_of(*description);
  const Result<std::vector<OffsetRange>> ranges = offset_ranges(broker.admin(), partitions);
  MILLRACE_RETURN_IF_ERROR(ranges.status());

  ConsumerOptions consumer_options;
  consumer_options.client_id = options.client_id;
  Result<std::unique_ptr<Consumer>> consumer = broker.consumer(consumer_options);
  MILLRACE_RETURN_IF_ERROR(consumer.status());
  std::unique_ptr<ResultTopic> results{new ResultTopic{*std::move(consumer)}};
  std::vector<PartitionOffset> starts;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const auto [first, end] = (*ranges)[i];
    const std::int64_t start = std::max(first, end - options.newest);
    results->holds_earlier_ = results->holds_earlier_ || start > first;
    starts.push_back({partitions[i], start, {}});
    results->partitions_.push_back({partitions[i], end});
  }
  MILLRACE_RETURN_IF_ERROR(results->consumer_->assign(starts));
  return results;
}

Status ResultTopic::read(const Visit& visit) {
  MILLRACE_RETURN_IF_ERROR(tolerate(consumer_->serve()));
  for (const Partition& each : partitions_) {
    do {
      batch_.reset();
      MILLRACE_RETURN_IF_ERROR(tolerate(consumer_->poll(each.partition, {}, batch_)));
      for (const RecordView& record : batch_.records()) {
        if (!record.has_value()) continue;
        WindowResult result;
        const DecodeOutcome outcome = codec_.decode(record, batch_.arena(), result);
        if (outcome.ok()) {
          visit(std::move(result));
        } else {
          note_foreign(each.partition, record, outcome);
        }
      }
    } while (!batch_.empty());
  }
  return {};
}

bool ResultTopic::caught_up() const {
  return std::all_of(partitions_.begin(), partitions_.end(), [this](const Partition& each) {
    return consumer_->position(each.partition) >= each.end;
  });
}

void ResultTopic::wait() { consumer_->wait(kWait); }

void ResultTopic::note_foreign(const TopicPartition& partition, const RecordView& record,
                               const DecodeOutcome& outcome) {
  if (foreign_records_++ > 0) return;
  first_foreign_ =
      fmt::format("partition {}, offset {}: {}{}{}", partition.partition, record.offset,
                  to_string(outcome.error), outcome.field.empty() ? "" : " ", outcome.field);
}

}  // namespace millrace
