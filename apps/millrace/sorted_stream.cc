#include "millrace/apps/millrace/sorted_stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::tool {

// Where a partition is.
struct SortedStream::Head {
  std::size_t index = 0;
  RecordBatch batch;
  std::span<const RecordView> records;  // of the batch, from the present one on
  SortValue value;                      // of the present one
};

SortedStream::SortedStream(TopicReader& reader, SortKey& key) : reader_{reader}, key_{key} {
  for (std::size_t i = 0; i < reader.partitions().size(); ++i) {
    heads_.push_back(std::make_unique<Head>());
    heads_.back()->index = i;
  }
}
SortedStream::~SortedStream() = default;

// Waits for a record; leaves none if the partition is through.
Status SortedStream::fill(Head& head, const StopSignal& stop) {
  while (head.records.empty() && !reader_.ended(head.index)) {
    if (stop.requested()) return Status::retry("a stop was requested");
    const auto records = reader_.read(head.index, head.batch);
    MILLRACE_RETURN_IF_ERROR(records.status());
    head.records = *records;
    if (head.records.empty() && !reader_.ended(head.index)) reader_.wait();
  }
  if (!head.records.empty() && !key_.read(head.records.front(), head.value).empty())
    return Status::failed(fmt::format("topic '{}' has changed while it was read",
                                      reader_.partitions()[head.index].topic));
  return {};
}

Status SortedStream::advance(Head& head, const StopSignal& stop) {
  head.records = head.records.subspan(1);
  return fill(head, stop);
}

Result<std::optional<SortedGroup>> SortedStream::next(const StopSignal& stop) {
  if (!begun_) {
    for (const auto& head : heads_) MILLRACE_RETURN_IF_ERROR(fill(*head, stop));
    begun_ = true;
  }
  std::erase_if(heads_, [](const auto& head) { return head->records.empty(); });
  if (heads_.empty()) return std::optional<SortedGroup>{};
  const auto least = std::min_element(
      heads_.begin(), heads_.end(),
      [&](const auto& a, const auto& b) { return !key_.in_order(b->value, a->value); });
  SortedGroup group{(*least)->value, 0, {}};
  for (const auto& head : heads_) {
    while (!head->records.empty() && head->value == group.value) {
      ++group.records;
      group.contents.add(head->records.front());
      MILLRACE_RETURN_IF_ERROR(advance(*head, stop));
    }
  }
  return std::optional<SortedGroup>{std::move(group)};
}

namespace {

std::string difference(const SortValue& value, const SortKey& key, std::int64_t records,
                       const TopicReader& topic, std::int64_t other_records,
                       const TopicReader& other) {
  return fmt::format("the first {} that differs is {}: {} in topic '{}', {} in topic '{}'",
                     key.name(), SortKey::show(value), records, topic.partitions()[0].topic,
                     other_records, other.partitions()[0].topic);
}

}  // namespace

Result<std::string> first_difference(TopicReader& topic, TopicReader& other, SortKey& key,
                                     const StopSignal& stop) {
  SortedStream mine{topic, key}, theirs{other, key};
  while (true) {
    const auto left = mine.next(stop), right = theirs.next(stop);
    MILLRACE_RETURN_IF_ERROR(left.status());
    MILLRACE_RETURN_IF_ERROR(right.status());
    const std::optional<SortedGroup>&a = *left, &b = *right;
    if (!a && !b) return std::string{};
    if (a && (!b || !key.in_order(b->value, a->value)))
      return difference(a->value, key, a->records, topic, 0, other);
    if (b && (!a || !key.in_order(a->value, b->value)))
      return difference(b->value, key, 0, topic, b->records, other);
    if (a->records != b->records)
      return difference(a->value, key, a->records, topic, b->records, other);
    if (a->contents != b->contents)
      return difference(a->value, key, a->records, topic, b->records, other) +
             ", but not with the same keys and values";
  }
}

}  // namespace millrace::tool
