#include "millrace/apps/report/result_topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::chrono::milliseconds kWait = 1000ms;

// A broker that is away for now comes back; the client keeps trying.
Status tolerate(const Status& status) {
  return status.code() == StatusCode::kRetry ? Status{} : status;
}

}  // namespace

Result<std::unique_ptr<ResultTopic>> ResultTopic::open(Broker& broker, const std::string& topic) {
  const Result<TopicDescription> description = broker.admin().describe_topic(topic);
  MILLRACE_RETURN_IF_ERROR(description.status());
  std::vector<TopicPartition> partitions;
  for (std::int32_t i = 0; i < description->partitions; ++i) partitions.push_back({topic, i});
  const Result<std::vector<std::int64_t>> first =
      broker.admin().list_offsets(partitions, OffsetSpec::kEarliest);
  MILLRACE_RETURN_IF_ERROR(first.status());
  const Result<std::vector<std::int64_t>> end =
      broker.admin().list_offsets(partitions, OffsetSpec::kLatest);
  MILLRACE_RETURN_IF_ERROR(end.status());

  ConsumerOptions options;
  options.client_id = "millrace-report";
  Result<std::unique_ptr<Consumer>> consumer = broker.consumer(options);
  MILLRACE_RETURN_IF_ERROR(consumer.status());
  std::unique_ptr<ResultTopic> results{new ResultTopic{*std::move(consumer)}};
  std::vector<PartitionOffset> starts;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    starts.push_back({partitions[i], (*first)[i], {}});
    results->partitions_.push_back({partitions[i], (*end)[i]});
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
