#include "millrace/apps/millrace/record_router.h"

#include <algorithm>

#include "millrace/framework/check.h"
#include "millrace/framework/partitioner.h"

namespace millrace::tool {

RecordRouter::RecordRouter(Partitioner partitioner, std::int32_t partitions,
                           const std::string& key_field, Framing framing, std::int64_t size)
    : partitioner_{partitioner},
      partitions_{partitions},
      keyed_{!key_field.empty()},
      size_{size},
      framing_{framing},
      json_{field(key_field, &Keyed::key)},
      msgpack_{field(key_field, &Keyed::key)} {
  MILLRACE_CHECK(partitions > 0, "a topic has partitions");
  MILLRACE_CHECK(partitioner != Partitioner::kHash || keyed_, "hashing needs a key");
}

Route RecordRouter::route(std::string_view value, std::int64_t offset) {
  Route route;
  if (keyed_) route.key = key_of(value);
  if (partitioner_ == Partitioner::kContiguous) {
    // A file that grows meanwhile ends in the last partition.
    const std::int64_t stretch = std::max<std::int64_t>((size_ + partitions_ - 1) / partitions_, 1);
    route.partition =
        static_cast<std::int32_t>(std::min<std::int64_t>(offset / stretch, partitions_ - 1));
  } else if (partitioner_ == Partitioner::kHash && route.key.data() != nullptr) {
    route.partition = partition_for_key(route.key, partitions_);
  } else {
    route.partition = next_in_turn();
  }
  return route;
}

std::string_view RecordRouter::key_of(std::string_view value) {
  arena_.reset();
  RecordView record;
  record.value = value;
  Keyed keyed;
  const DecodeOutcome outcome = framing_ == Framing::kMsgpack
                                    ? msgpack_.decode(record, arena_, keyed)
                                    : json_.decode(record, arena_, keyed);
  if (outcome.ok()) return keyed.key;
  ++without_key_;
  return {};
}

std::int32_t RecordRouter::next_in_turn() {
  const std::int32_t partition = turn_;
  turn_ = turn_ + 1 == partitions_ ? 0 : turn_ + 1;
  return partition;
}

}  // namespace millrace::tool
