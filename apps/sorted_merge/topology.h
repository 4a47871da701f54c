#pragma once

#include <string>
#include <vector>

#include "millrace/framework/topology.h"
#include "millrace/operators/ordered_merge.h"

namespace millrace {

struct SortedMergeOptions {
  std::vector<std::string> inputs{"data-input"};
  std::string output = "data-output";
  /// value (the record is a decimal integer), key (its bytes), event-time (the record's timestamp),
  /// json:/FIELD (a whole number in the root of a JSON object), json-text:/FIELD (a text there).
  std::string by = "value";
  bool descending = false;
  bool readers = false;
  OnDisorder on_disorder = OnDisorder::kFail;
};

/// Sorted partitions of one or more topics → one sorted partition of another; key and value
/// pass as they are, headers do not. kInvalid: `by` is none of these.
Result<Topology> sorted_merge(const SortedMergeOptions& options);

}  // namespace millrace
