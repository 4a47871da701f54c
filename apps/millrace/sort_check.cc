#include "millrace/apps/millrace/sort_check.h"

#include <fmt/format.h>

#include <utility>

namespace millrace::tool {

SortCheck::SortCheck(SortKey& key, std::vector<TopicPartition> partitions) : key_{key} {
  for (TopicPartition& each : partitions)
    partitions_.push_back({std::move(each), std::nullopt, {}, {}});
}

void SortCheck::add(std::size_t index, std::span<const RecordView> records) {
  for (const RecordView& record : records) add(partitions_[index], record);
}

void SortCheck::add(Partition& partition, const RecordView& record) {
  ++records_;
  bytes_ += static_cast<std::int64_t>(record.key.size() + record.value.size());
  contents_.add(record);
  const std::string_view wrong = key_.read(record, value_);
  const bool readable = wrong.empty();
  if (!readable || (partition.last_offset && !key_.in_order(partition.last, value_))) {
    ++offences_;
    if (partition.first_offence.empty()) {
      const std::string place =
          fmt::format("topic '{}', partition {}, offset {}", partition.partition.topic,
                      partition.partition.partition, record.offset);
      partition.first_offence =
          readable
              ? fmt::format("{}: {} {} stands behind {} of offset {}", place, key_.name(),
                            SortKey::show(value_), SortKey::show(partition.last),
                            *partition.last_offset)
              : fmt::format("{}: the record cannot be sorted by {}: {}", place, key_.name(), wrong);
    }
    if (!readable) return;
  }
  partition.last_offset = record.offset;
  std::swap(partition.last, value_);
}

std::string SortCheck::first_offence() const {
  for (const Partition& each : partitions_) {
    if (!each.first_offence.empty()) return each.first_offence;
  }
  return {};
}

}  // namespace millrace::tool
