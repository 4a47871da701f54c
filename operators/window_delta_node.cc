#include "millrace/operators/window_delta_node.h"

#include "millrace/framework/fused_node.h"

namespace millrace {

std::size_t WindowDeltaNode::process(std::span<const RecordView> records, Arena&,
                                     SourcePartition& source) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto envelope = decode_repartition_record(records[i].value);
    Status status = envelope.status();
    if (envelope.ok() && envelope->kind == RepartitionKind::kData) {
      ++deltas_;
      status = apply(envelope->payload);
    }
    if (!status.ok()) source.fail(unreadable(source, records[i], status.message()));
    if (source.must_stop()) return i;
  }
  return records.size();
}

}  // namespace millrace
