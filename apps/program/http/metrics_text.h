#pragma once

#include <string>

#include "millrace/apps/program/http/observation.h"

namespace millrace {

/// What the process takes of the machine.
struct ProcessUsage {
  double cpu_seconds = 0;
  double resident_bytes = 0;

  /// Of this process, now.
  static ProcessUsage now();
};

/// The application in Prometheus' text format, version 0.0.4.
///
/// What a task counts is of its life and moves with it to other instances: such series carry the
/// task, so that a take-over begins a series here and is no jump in one; sum them over instances.
std::string metrics_text(const Observation& observation, const ProcessUsage& usage);

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace millrace
