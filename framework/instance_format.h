#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/status.h"
#include "millrace/framework/task_status.h"

namespace millrace {

/// What an instance says of itself in `<application-id>-instances`; its record's key is its id.
struct InstanceRecord {
  std::string address;  ///< "HOST:PORT", where it answers by HTTP
  std::vector<TaskId> tasks;
  bool operator==(const InstanceRecord&) const = default;
};

std::string encode_instance_record(const InstanceRecord& record);
/// kFailed names an unknown version or damage.
Result<InstanceRecord> decode_instance_record(std::string_view bytes);

}  // namespace millrace
