#include "millrace/operators/merge_order.h"

#include <fmt/format.h>

namespace millrace {

std::string_view to_string(OnDisorder policy) {
  switch (policy) {
    case OnDisorder::kFail:
      return "fail";
    case OnDisorder::kDeadLetter:
      return "dead-letter";
    case OnDisorder::kPass:
      return "pass";
  }
  return "unknown";
}

std::string disorder_text(const SourcePartition& source, std::int64_t offset, std::string_view key,
                          std::string_view before, bool descending) {
  return fmt::format(
      "the input is not sorted: in '{}' partition {} the record at offset {} has {}, which is {} "
      "than {} before it: sort the partition, or let such records be dead-lettered or passed",
      source.partition().topic, source.partition().partition, offset, key,
      descending ? "greater" : "smaller", before);
}

}  // namespace millrace
