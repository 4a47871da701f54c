#include "millrace/apps/program/exit_code.h"

#include <fmt/format.h>

#include <cstdio>

namespace millrace {

int exit_code(const Status& status) {
  if (status.ok()) return kExitOk;
  return status.code() == StatusCode::kInvalid ? kExitUsage : kExitFailed;
}

int report(std::string_view program, const Status& status) {
  if (!status.ok()) fmt::print(stderr, "{}: {}\n", program, status.message());
  return exit_code(status);
}

}  // namespace millrace
