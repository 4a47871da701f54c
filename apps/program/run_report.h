#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "millrace/apps/program/terminal.h"
#include "millrace/framework/application.h"

namespace millrace {

/// Tells people how a running application is doing, and at the end what it did. One thread.
class RunReport {
 public:
  /// All references must outlive it. `window_names`: of RunCounters::late_by_window.
  RunReport(Terminal& terminal, const Clock& clock, Application& application,
            std::int64_t every_records, std::vector<std::string> window_names);

  /// A line each `every_records` records, or each five seconds: records, time for them, rate,
  /// watermark, lag.
  void show();
  /// Writes the summary as one JSON object to a file, to standard output for "-", nowhere if empty;
  /// and a last line.
  Status finish(const std::string& path);

 private:
  std::string summary(const RunCounters& counters, double seconds) const;

  Terminal& terminal_;
  const Clock& clock_;
  Application& application_;
  std::int64_t every_records_;
  std::vector<std::string> window_names_;
  std::int64_t started_ms_;
  std::int64_t shown_ms_;
  std::uint64_t shown_records_ = 0;
};

}  // namespace millrace
