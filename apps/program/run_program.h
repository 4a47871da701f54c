#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/apps/program/options.h"
#include "millrace/apps/program/stream_options.h"
#include "millrace/framework/application_config.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/topology.h"

namespace millrace {

/// A program that runs a topology: what is its own beside what all share.
class StreamProgram {
 public:
  virtual ~StreamProgram() = default;
  /// Declares the program's options; targets are members.
  virtual void declare(Options& options) = 0;
  /// Options that the program wants to see: which topic each file stands for. Called after parsing.
  struct Files {
    std::map<std::string, std::string> inputs;  ///< topic to file, for --from
    std::map<std::string, std::string> outputs;
  };
  virtual Files files(const StreamOptions& stream) const = 0;
  /// Builds the topology from the options; with `from`, topics keep their default names. kInvalid:
  /// they do not fit together.
  virtual Result<Topology> topology(const StreamOptions& stream) const = 0;
  /// What belongs to the application's configuration but is the program's option (idleness, drift).
  virtual void configure(ApplicationConfig& config) const = 0;
  /// What the program demands of topics beyond what the topology does. kInvalid: they do not fit.
  virtual Status check(Admin&) const { return {}; }
  /// The topic that window_stats_json() writes to, which the page at --http shows; empty: there is
  /// none, as with files. Called after topology().
  virtual std::string results(const StreamOptions&) const { return {}; }
  /// Names of the windows, in the order of RunCounters::late_by_window; empty without windows.
  virtual std::vector<std::string> window_names() const { return {}; }
};

/// main() of a stream program: options, logging, signals, broker, application, progress, summary.
/// Returns the exit code: 0 done, 1 failed, 2 wrong usage or configuration. Ctrl-C: commits what is
/// done and leaves the group.
int run_program(int argc, char** argv, const ProgramInfo& info, StreamProgram& program);

}  // namespace millrace
