#pragma once

#include "millrace/framework/task_state.h"

namespace millrace {

/// Stores that live in memory and are restored from their changelogs alone. Without a budget for
/// what operators hold beside them: it would be put into memory as well.
Result<std::unique_ptr<TaskState>> memory_task_state(const TaskStateOptions& options);
/// With one, which is borrowed: for tests, and for tasks without stores. And with one for values
/// that stores remember, as those on disk do: for tests.
Result<std::unique_ptr<TaskState>> memory_task_state_within(const TaskStateOptions& options,
                                                            MemoryBudget* budget,
                                                            MemoryBudget* remembered = nullptr);

}  // namespace millrace
