#include "millrace/apps/program/command_line.h"

// The only file that includes CLI11: it costs half a minute to compile together with other large
// headers.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace millrace {
namespace {

CLI::Option* declare(CLI::App& app, const Option& option) {
  if (option.kind() == Option::Kind::kFlag) return app.add_flag(option.label());
  // All values of a repeated option are kept: Option::assign() judges them.
  return app.add_option(option.label())
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

Result<CommandLine> split_command_line(const std::deque<Option>& options,
                                       const std::vector<std::string>& arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<CLI::Option*> declared;
  for (const Option& option : options) declared.push_back(declare(app, option));
  try {
    std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
    app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch&) {
    // Only the last argument can lack its value.
    return Status::invalid(fmt::format("{} needs a value", arguments.back()));
  } catch (const CLI::Error& error) {
    return Status::invalid(error.what());
  }
  CommandLine line;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (declared[i]->count() > 0)
      line.options.push_back({options[i].name(), declared[i]->results()});
  }
  line.unknown = app.remaining();
  return line;
}

}  // namespace millrace
