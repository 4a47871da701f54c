#include "millrace/apps/program/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/nearest_name.h"

namespace millrace {
namespace {

std::string help_text(const ProgramInfo& info, const std::vector<Command>& commands) {
  std::string out =
      fmt::format("{}\n\nUsage: {} COMMAND [OPTIONS]\n\nCommands:\n", info.summary, info.name);
  std::size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.name.size());
  for (const Command& command : commands)
    out += fmt::format("  {:<{}}  {}\n", command.name, width, command.summary);
  out += fmt::format("\n'{} COMMAND --help' explains a command.\n", info.name);
  if (!info.examples.empty()) out += "\nExamples:\n";
  for (const Example& example : info.examples)
    out += fmt::format("  {}\n      {}\n", example.command, example.effect);
  return out;
}

Status unknown_command(const ProgramInfo& info, const std::vector<Command>& commands,
                       std::string_view name) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  const std::string near = nearest_name(name, names);
  return Status::invalid(
      near.empty() ? fmt::format("there is no command '{}': see '{} --help'", name, info.name)
                   : fmt::format("there is no command '{}': did you mean '{}'?", name, near));
}

}  // namespace

int run_commands(const ProgramInfo& info, const std::vector<Command>& commands, int argc,
                 char** argv) {
  if (argc < 2) {
    return report(info.name,
                  Status::invalid(fmt::format("a command is missing: see '{} --help'", info.name)));
  }
  const std::string_view name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") {
    fmt::print("{}", help_text(info, commands));
    return kExitOk;
  }
  if (name == "--version") {
    fmt::print("{} {}\n", info.name, info.version);
    return kExitOk;
  }
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& command) { return command.name == name; });
  if (found == commands.end()) return report(info.name, unknown_command(info, commands, name));
  return found->run(argc - 1, argv + 1);
}

}  // namespace millrace
