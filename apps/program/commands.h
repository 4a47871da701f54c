#pragma once

#include <functional>
#include <string>
#include <vector>

#include "millrace/apps/program/program_info.h"

namespace millrace {

/// A subcommand: `millrace load ...`. `run` gets its name as argv[0] and returns the exit code.
struct Command {
  std::string name;
  std::string summary;
  std::function<int(int argc, char** argv)> run;
};

/// Runs the subcommand that argv[1] names. --help lists them; an unknown one is an error that
/// suggests the nearest.
int run_commands(const ProgramInfo& info, const std::vector<Command>& commands, int argc,
                 char** argv);

}  // namespace millrace
