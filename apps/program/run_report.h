#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "millrace/apps/program/logging.h"
#include "millrace/framework/application.h"

namespace millrace {

/// Tells people how a running application is doing, and at the end what it did. One thread.
class RunReport {
 public:
  struct Options {
    std::string program;
    std::int64_t every_records = 0;
    std::vector<std::string> window_names;  ///< of RunCounters::late_by_window
    std::string going_on;                   ///< how to go on after this run, for the last line
  };
  /// All references must outlive it.
  RunReport(ProgramLog& log, const Clock& clock, Application& application, Options options);

  /// A line each `every_records` records, or each five seconds: records, time for them, rate,
  /// watermark, lag.
  void show();
  /// Ends the report of an application that is done: writes the summary as one JSON object to a
  /// file, to standard output for "-", nowhere if empty; and says the last line: what was done,
  /// where it stopped, how to go on. `asked`: somebody asked it to stop. An application that
  /// `ended` with an error is given that back, with the same behind it, to be shown as the last
  /// line.
  Status finish(const Status& ended, bool asked, const std::string& path);

 private:
  std::uint64_t processed(const RunCounters& counters) const;
  std::string account(const RunCounters& counters) const;
  std::string summary(const RunCounters& counters) const;
  double seconds() const;

  ProgramLog& log_;
  const Clock& clock_;
  Application& application_;
  const Options options_;
  const std::int64_t started_ms_;
  std::int64_t shown_ms_;
  std::uint64_t shown_records_ = 0;
};

}  // namespace millrace
