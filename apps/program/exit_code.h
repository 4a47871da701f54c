#pragma once

#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;  ///< wrong usage or configuration

/// 0 if OK, 2 for kInvalid, else 1.
int exit_code(const Status& status);

/// Writes "program: message" as one line to standard error unless the status is OK; returns
/// exit_code().
int report(std::string_view program, const Status& status);

}  // namespace millrace
