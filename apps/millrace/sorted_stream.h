#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/apps/millrace/multiset_hash.h"
#include "millrace/apps/millrace/sort_key.h"
#include "millrace/apps/millrace/topic_reader.h"
#include "millrace/apps/program/signals.h"

namespace millrace::tool {

/// All records of a topic with one sort value.
struct SortedGroup {
  SortValue value;
  std::int64_t records = 0;
  MultisetHash contents;
};

/// The records of a topic in order, merged from all its partitions while they are read: at any time
/// one batch of each is in memory. Not thread-safe; reader and key must outlive it.
class SortedStream {
 public:
  /// REQUIRES: every partition is sorted by `key`.
  SortedStream(TopicReader& reader, SortKey& key);
  ~SortedStream();

  /// Takes the next group; none behind the last. kRetry: a stop was requested.
  Result<std::optional<SortedGroup>> next(const StopSignal& stop);

 private:
  struct Head;

  Status fill(Head& head, const StopSignal& stop);
  Status advance(Head& head, const StopSignal& stop);

  TopicReader& reader_;
  SortKey& key_;
  std::vector<std::unique_ptr<Head>> heads_;  // of partitions that are not through
  bool begun_ = false;
};

/// Says, for people, by what two topics differ that are both sorted: the first value that is not
/// there equally often, or not with the same bytes. Empty if by nothing. kRetry: a stop was
/// requested.
Result<std::string> first_difference(TopicReader& topic, TopicReader& other, SortKey& key,
                                     const StopSignal& stop);

}  // namespace millrace::tool
