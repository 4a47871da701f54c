#include "millrace/framework/memory_owner.h"

namespace millrace {

std::string_view to_string(MemoryOwner owner) {
  switch (owner) {
    case MemoryOwner::kBlockCache:
      return "block cache";
    case MemoryOwner::kWriteBuffers:
      return "write buffers";
    case MemoryOwner::kKept:
      return "kept by operators";
    case MemoryOwner::kRepeatable:
      return "remembered by operators";
    case MemoryOwner::kChanges:
      return "changes of state";
    case MemoryOwner::kBatches:
      return "batches";
    case MemoryOwner::kWaiting:
      return "waiting records";
    case MemoryOwner::kConsumers:
      return "consumer queues";
    case MemoryOwner::kProducers:
      return "producer queues";
  }
  return "unknown";
}

}  // namespace millrace
