#pragma once

#include "millrace/framework/task_state.h"

namespace millrace {

/// Stores that live in memory and are restored from their changelogs alone.
Result<std::unique_ptr<TaskState>> memory_task_state(const TaskStateOptions& options);

}  // namespace millrace
