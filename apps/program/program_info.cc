#include "millrace/apps/program/program_info.h"

namespace millrace {

const std::string_view kVersion = MILLRACE_VERSION;

}  // namespace millrace
