#pragma once

#include <string>

#include "millrace/apps/program/http/observation.h"

namespace millrace {

/// Everything that is known of the application, as one JSON object. Times are Unix ms, durations
/// ms unless the name says otherwise; what is not known is null.
std::string state_json(const Observation& observation);

}  // namespace millrace
