#include "millrace/framework/collector.h"

#include <fmt/format.h>

namespace millrace {

void Collector::use(Producer& producer, Guarantee guarantee) {
  producer_ = &producer;
  transactional_ = guarantee == Guarantee::kExactlyOnce;
  finished();
}

void Collector::ensure_open() {
  if (open_ || !status_.ok()) return;
  if (transactional_) status_ = producer_->begin();
  open_ = status_.ok();
}

void Collector::send(const OutgoingRecord& record) {
  ensure_open();
  if (!status_.ok()) return;
  bytes_ += record.key.size() + record.value.size() + kRecordBytes;
  sent_bytes_ += record.key.size() + record.value.size();
  ++sent_records_;
  status_ = producer_->produce(record);
  if (status_.code() == StatusCode::kRetry) wait_for_room(record);
}

void Collector::wait_for_room(const OutgoingRecord& record) {
  const std::int64_t began_ms = clock_.monotonic_ms();
  std::int64_t waited_ms = 0;
  while (status_.code() == StatusCode::kRetry && waited_ms <= kFullTimeoutMs) {
    producer_->poll(std::chrono::milliseconds(10));
    status_ = producer_->produce(record);
    waited_ms = clock_.monotonic_ms() - began_ms;
  }
  full_ms_ += waited_ms;
  if (status_.code() == StatusCode::kRetry)
    status_ = Status::abort(fmt::format("the producer has taken no record for '{}' [{}] in {} s",
                                        record.topic, record.partition, kFullTimeoutMs / 1000));
}

void Collector::finished() {
  open_ = false;
  bytes_ = 0;
  status_ = {};
}

}  // namespace millrace
