#pragma once

#include <deque>
#include <string>
#include <vector>

#include "millrace/apps/program/option.h"
#include "millrace/framework/status.h"

namespace millrace {

/// What a command line says, still as text: one entry per option that occurs in it.
struct CommandLine {
  struct Value {
    std::string name;
    std::vector<std::string> values;
  };
  std::vector<Value> options;
  std::vector<std::string> unknown;  ///< arguments that belong to no option, as typed
};

/// Splits the arguments behind the program's name by the options declared. kInvalid: an option
/// lacks its value.
Result<CommandLine> split_command_line(const std::deque<Option>& options,
                                       const std::vector<std::string>& arguments);

}  // namespace millrace
