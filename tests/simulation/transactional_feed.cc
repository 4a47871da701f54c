#include "millrace/tests/simulation/transactional_feed.h"

#include <fmt/format.h>

#include <utility>

namespace millrace {

void TransactionalFeed::write(
    const std::string& topic, std::int32_t partition, std::int64_t count,
    const std::function<void(OutgoingRecord& record, std::string& value)>& fill) {
  Dice& dice = simulator_.dice();
  ProducerOptions options;
  const bool transaction = dice.chance(.4);
  if (transaction) options.transactional_id = fmt::format("feed-{}", count_++);
  auto producer = std::move(*simulator_.driver().broker().producer(options));
  Status status;
  if (transaction) {
    status = producer->init_transactions();
    if (status.ok()) status = producer->begin();
  }
  for (std::int64_t i = 0; i < count && status.ok(); ++i) {
    std::string value;
    OutgoingRecord record;
    record.topic = topic;
    record.partition = partition;
    fill(record, value);
    record.value = value;
    status = producer->produce(record);
  }
  if (status.ok()) status = producer->flush(std::chrono::seconds(1));
  if (!status.ok()) return simulator_.fail("error", "the input: " + status.message());
  if (transaction)
    open_.push_back({std::move(producer), simulator_.now_ms() + dice.pick({0, 0, 2000, 6000}),
                     dice.pick({true, true, false})});
}

void TransactionalFeed::end(bool all) {
  for (Open& open : open_) {
    if (!all && simulator_.now_ms() < open.until_ms) continue;
    // One that took too long was aborted by the broker.
    const Status ended = open.commit ? open.producer->commit() : open.producer->abort();
    if (!ended.ok() && open.commit) static_cast<void>(open.producer->abort());
    open.producer.reset();
  }
  std::erase_if(open_, [](const Open& open) { return open.producer == nullptr; });
}

}  // namespace millrace
