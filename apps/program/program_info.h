#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Version of this Millrace: "0.1.0".
extern const std::string_view kVersion;

/// One line of a program's --help that can be pasted into a shell, and what it does.
struct Example {
  std::string command;
  std::string effect;
};

/// What a program says about itself in --help and --version.
struct ProgramInfo {
  std::string name;  ///< as typed: "unique_users", "millrace load"
  std::string_view version;
  std::string summary;  ///< one sentence: what the program is for
  std::vector<Example> examples;
};

}  // namespace millrace
