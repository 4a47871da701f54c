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
  std::int64_t deadline_ms = 0;
  while (true) {
    status_ = producer_->produce(record);
    if (status_.code() != StatusCode::kRetry) return;
    const std::int64_t now_ms = clock_.monotonic_ms();
    if (deadline_ms == 0) deadline_ms = now_ms + kFullTimeoutMs;
    if (now_ms > deadline_ms) {
      status_ = Status::abort(fmt::format("the producer has taken no record for '{}' [{}] in {} s",
                                          record.topic, record.partition, kFullTimeoutMs / 1000));
      return;
    }
    producer_->poll(std::chrono::milliseconds(10));
  }
}

void Collector::finished() {
  open_ = false;
  bytes_ = 0;
  status_ = {};
}

}  // namespace millrace
