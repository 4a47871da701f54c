#pragma once

#include "millrace/apps/program/http/metric.h"
#include "millrace/apps/program/http/observation.h"

namespace millrace {

/// What the nodes of all tasks have done, and their operators.
///
/// It is counted where it is done, since the task runs here, also what was aborted and done again:
/// so much work it is, and not so much of the input.
Metrics node_metrics(const Observation& observation);

}  // namespace millrace
