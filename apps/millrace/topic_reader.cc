#include "millrace/apps/millrace/topic_reader.h"

#include <chrono>

#include "millrace/apps/program/session.h"

namespace millrace::tool {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::chrono::milliseconds kWait = 1000ms;
// Of each partition: a reader of many holds no more than this of all of them.
constexpr PollLimit kLimit{.records = 4096, .bytes = 256 << 10};
constexpr std::size_t kPrefetchRecords = 20'000;

// A broker that is away for now comes back; the client keeps trying.
Status tolerate(const Status& status) {
  return status.code() == StatusCode::kRetry ? Status{} : status;
}

}  // namespace

Result<std::unique_ptr<TopicReader>> TopicReader::open(Broker& broker, const std::string& topic) {
  const Result<TopicDescription> description = broker.admin().describe_topic(topic);
  MILLRACE_RETURN_IF_ERROR(description.status());
  const std::vector<TopicPartition> partitions = partitions_of(*description);
  const Result<std::vector<OffsetRange>> ranges = offset_ranges(broker.admin(), partitions);
  MILLRACE_RETURN_IF_ERROR(ranges.status());
  ConsumerOptions options;
  options.client_id = "millrace";
  options.prefetch_records = kPrefetchRecords;
  Result<std::unique_ptr<Consumer>> consumer = broker.consumer(options);
  MILLRACE_RETURN_IF_ERROR(consumer.status());

  std::unique_ptr<TopicReader> reader{new TopicReader{*std::move(consumer)}};
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const OffsetRange& range = (*ranges)[i];
    const bool empty = range.first >= range.end;
    reader->ends_.push_back(range.end);
    reader->ended_.push_back(empty);
    if (empty) continue;
    reader->offsets_ += range.end - range.first;
    reader->starts_.push_back({partitions[i], range.first, {}});
  }
  reader->partitions_ = partitions;
  reader->open_ = reader->starts_.size();
  return reader;
}

Result<std::span<const RecordView>> TopicReader::read(std::size_t index, RecordBatch& batch) {
  batch.reset();
  if (ended_[index]) return std::span<const RecordView>{};
  if (!starts_.empty()) {
    MILLRACE_RETURN_IF_ERROR(consumer_->assign(starts_));
    starts_.clear();
  }
  const TopicPartition& partition = partitions_[index];
  MILLRACE_RETURN_IF_ERROR(tolerate(consumer_->serve()));
  MILLRACE_RETURN_IF_ERROR(tolerate(consumer_->poll(partition, kLimit, batch)));
  std::span<const RecordView> records = batch.records();
  while (!records.empty() && records.back().offset >= ends_[index])
    records = records.first(records.size() - 1);
  if (consumer_->position(partition) >= ends_[index]) {
    ended_[index] = true;
    --open_;
    MILLRACE_RETURN_IF_ERROR(consumer_->unassign(std::span{&partition, 1}));
  }
  return records;
}

void TopicReader::wait() { consumer_->wait(kWait); }

}  // namespace millrace::tool
