// Options, second half: reading the layers. What is declared stands in options.cc.
#include <fmt/format.h>

#include <algorithm>

#include "millrace/apps/program/command_line.h"
#include "millrace/apps/program/nearest_name.h"
#include "millrace/apps/program/options.h"
#include "millrace/apps/program/properties.h"
#include "millrace/apps/program/stream_options.h"

namespace millrace {
namespace {

constexpr std::string_view kEnvironmentPrefix = "MILLRACE_";

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

std::string environment_name(const std::string& option) {
  std::string name{kEnvironmentPrefix};
  for (const char c : option)
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

// SASL_PASSWORD is sasl.password: no librdkafka property has an underscore in its name.
std::string property_name(std::string_view environment_part) {
  std::string name;
  for (const char c : environment_part) {
    name += c == '_' ? '.' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return name;
}

// One environment serves several programs: what is a common option elsewhere is no typing error
// here.
bool is_common_option(const std::string& variable) {
  Options common{{}};
  StreamOptions targets;
  declare_stream_options(common, targets);
  return std::any_of(common.all().begin(), common.all().end(), [&](const Option& option) {
    const std::string name = environment_name(option.name());
    return variable == name ||
           (option.kind() == Option::Kind::kProperties && variable.starts_with(name + "_"));
  });
}

Status located(const std::string& where, const Status& status) {
  return status.ok() ? status : Status{status.code(), where + ": " + status.message()};
}

}  // namespace

std::string Options::suggestion(std::string_view name) const {
  std::vector<std::string> names;
  for (const Option& option : options_) {
    if (option.kind_ != Option::Kind::kPositional) names.push_back(option.name_);
  }
  return nearest_name(name, names);
}

Result<ParseOutcome> Options::parse(const std::vector<std::string>& arguments,
                                    const Environment& environment) {
  Result<CommandLine> line = split_command_line(options_, arguments);
  MILLRACE_RETURN_IF_ERROR(line.status());
  const auto on_line = [&](std::string_view name) {
    const auto same = [&](const CommandLine::Value& value) { return value.name == name; };
    const auto found = std::find_if(line->options.begin(), line->options.end(), same);
    return found == line->options.end() ? nullptr : &*found;
  };
  if (on_line("help") != nullptr) return ParseOutcome::kShowHelp;
  if (on_line("version") != nullptr) return ParseOutcome::kShowVersion;
  MILLRACE_RETURN_IF_ERROR(check_known(line->unknown));

  // The file is named by the layers above it.
  for (const auto& [name, value] : environment) {
    if (name == environment_name("config")) config_ = value;
  }
  if (const auto* config = on_line("config")) {
    MILLRACE_RETURN_IF_ERROR(located("--config", find("config")->assign(config->values)));
  }
  if (!config_.empty()) MILLRACE_RETURN_IF_ERROR(apply_file(config_));
  MILLRACE_RETURN_IF_ERROR(apply_environment(environment));
  for (const CommandLine::Value& value : line->options) {
    Option& option = *find(value.name);
    MILLRACE_RETURN_IF_ERROR(located(option.label(), option.assign(value.values)));
  }
  MILLRACE_RETURN_IF_ERROR(check_required());
  return ParseOutcome::kRun;
}

Status Options::check_known(const std::vector<std::string>& unknown) const {
  if (unknown.empty()) return {};
  const auto is_flag = [](const std::string& text) {
    return text.size() > 1 && text.front() == '-';
  };
  const auto flag = std::find_if(unknown.begin(), unknown.end(), is_flag);
  if (flag == unknown.end())
    return Status::invalid(fmt::format("unexpected argument '{}'", unknown.front()));
  const std::string typed = flag->substr(0, flag->find('='));
  const std::string near =
      suggestion(std::string_view{typed}.substr(typed.starts_with("--") ? 2 : 1));
  return Status::invalid(fmt::format("there is no option {}: {}", typed,
                                     near.empty() ? fmt::format("see '{} --help'", info_.name)
                                                  : fmt::format("did you mean --{}?", near)));
}

Status Options::apply_file(const std::string& path) {
  const Result<std::vector<Property>> properties = read_properties_file(path);
  MILLRACE_RETURN_IF_ERROR(properties.status());
  for (const Property& property : *properties) {
    MILLRACE_RETURN_IF_ERROR(located(fmt::format("{}:{}: {}", path, property.line, property.key),
                                     assign_property(property.key, property.value)));
  }
  return {};
}

Status Options::assign_property(const std::string& key, const std::string& value) {
  for (Option& option : options_) {
    if (option.kind_ != Option::Kind::kProperties || !key.starts_with(option.name_ + ".")) continue;
    return option.assign({key.substr(option.name_.size() + 1) + "=" + value});
  }
  Option* option = find(key);
  if (option == nullptr || option->kind_ == Option::Kind::kProperties ||
      option->command_line_only_) {
    const std::string near = suggestion(key);
    return Status::invalid(near.empty()
                               ? "there is no such option"
                               : fmt::format("there is no such option: did you mean '{}'?", near));
  }
  return option->assign(option->kind_ == Option::Kind::kList ? split_list(value)
                                                             : std::vector{value});
}

Status Options::apply_environment(const Environment& environment) {
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kEnvironmentPrefix) || variable == environment_name("config"))
      continue;
    MILLRACE_RETURN_IF_ERROR(located(variable, assign_variable(variable, value)));
  }
  return {};
}

Status Options::assign_variable(const std::string& variable, const std::string& value) {
  std::vector<std::string> names;
  for (Option& option : options_) {
    const std::string name = environment_name(option.name_);
    if (option.kind_ == Option::Kind::kProperties && variable.starts_with(name + "_")) {
      return option.assign({property_name(variable.substr(name.size() + 1)) + "=" + value});
    }
    if (option.kind_ == Option::Kind::kProperties || option.command_line_only_) continue;
    if (variable == name) {
      return option.assign(option.kind_ == Option::Kind::kList ? split_list(value)
                                                               : std::vector{value});
    }
    names.push_back(name);
  }
  if (is_common_option(variable)) return {};
  const std::string near = nearest_name(variable, names);
  return Status::invalid(fmt::format("this environment variable is no option of '{}'{}", info_.name,
                                     near.empty() ? "" : fmt::format(": did you mean {}?", near)));
}

Status Options::check_required() const {
  for (const Option& option : options_) {
    if (option.required_ && !option.given_) {
      return Status::invalid(fmt::format("{} is required: {}", option.label(), option.help_));
    }
  }
  return {};
}

}  // namespace millrace
