#include "millrace/framework/fused_node.h"

#include <fmt/format.h>

namespace millrace {

Status unreadable(const SourcePartition& source, const RecordView& record, std::string_view why) {
  return Status::failed(
      fmt::format("'{}' partition {} offset {} cannot be read: {}: it was written by another "
                  "program or topology; "
                  "go back to that one, or start over (millrace reset)",
                  source.partition().topic, source.partition().partition, record.offset, why));
}

}  // namespace millrace
