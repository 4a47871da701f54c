#include "millrace/apps/program/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "millrace/apps/program/command_line.h"
#include "millrace/apps/program/duration.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/help.h"
#include "millrace/apps/program/nearest_name.h"
#include "millrace/apps/program/properties.h"
#include "millrace/apps/program/stream_options.h"

namespace millrace {
namespace {

constexpr std::string_view kEnvironmentPrefix = "MILLRACE_";

template <class Number>
Status parse_number(const std::string& text, Number& target) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    return Status::invalid(fmt::format("'{}' is too large a number", text));
  }
  if (error != std::errc{} || stop != end) {
    return Status::invalid(fmt::format("'{}' is not {}", text,
                                       std::is_floating_point_v<Number> ? "a number" : "a whole number"));
  }
  target = number;
  return {};
}

Status parse_flag(const std::string& text, bool& target) {
  if (text != "true" && text != "false") {
    return Status::invalid(fmt::format("'{}' is neither true nor false", text));
  }
  target = text == "true";
  return {};
}

template <class T>
Status store(const Result<T>& parsed, auto& target) {
  MILLRACE_RETURN_IF_ERROR(parsed.status());
  target = *parsed;
  return {};
}

// Assigns the one value of an option that is not repeatable.
template <class Parse>
auto single(Parse parse) {
  return [parse](const std::vector<std::string>& values) -> Status { return parse(values.front()); };
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

Status parse_properties_into(const std::vector<std::string>& values, Options::Properties& target) {
  for (const std::string& value : values) {
    const std::size_t equals = value.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Status::invalid(fmt::format("'{}' is not NAME=VALUE", value));
    }
    target[value.substr(0, equals)] = value.substr(equals + 1);
  }
  return {};
}

std::string environment_name(const std::string& option) {
  std::string name{kEnvironmentPrefix};
  for (const char c : option) name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
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

// One environment serves several programs: what is a common option elsewhere is no typing error here.
bool is_common_option(const std::string& variable) {
  Options common{{}};
  StreamOptions targets;
  declare_stream_options(common, targets);
  return std::any_of(common.all().begin(), common.all().end(), [&](const Option& option) {
    const std::string name = environment_name(option.name());
    return variable == name || (option.kind() == Option::Kind::kProperties && variable.starts_with(name + "_"));
  });
}

Status located(const std::string& where, const Status& status) {
  return status.ok() ? status : Status{status.code(), where + ": " + status.message()};
}

}  // namespace

Options::Options(ProgramInfo info) : info_(std::move(info)) {
  heading("General");
  add("config", config_, "read options from FILE, in Java properties format: name=value").value_name("FILE");
  add("help", help_, "show this text");
  add("version", version_, "show the version");
  for (Option& option : options_) option.command_line_only_ = true;
  heading("Options");
}

void Options::heading(std::string text) { heading_ = std::move(text); }

Option& Options::declare(Option::Kind kind, std::string name, std::string help, std::string value_name) {
  MILLRACE_CHECK(find(name) == nullptr, "an option is declared twice");
  Option& option = options_.emplace_back();
  option.kind_ = kind;
  option.name_ = std::move(name);
  option.help_ = std::move(help);
  option.heading_ = heading_;
  option.value_name_ = std::move(value_name);
  return option;
}

Option& Options::add(std::string name, std::string& target, std::string help) {
  Option& option = declare(Option::Kind::kValue, std::move(name), std::move(help), "TEXT");
  option.default_ = target;
  option.assign_ = single([&target](const std::string& text) {
    target = text;
    return Status{};
  });
  return option;
}

namespace {

std::string print_number(double value) {
  return value == static_cast<double>(static_cast<std::int64_t>(value))
             ? fmt::format("{}", static_cast<std::int64_t>(value))
             : fmt::format("{}", value);
}

std::string print_duration(double value) {
  return format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(value)});
}

std::string print_bytes(double value) { return format_bytes(static_cast<std::int64_t>(value)); }

}  // namespace

template <class Number>
Option& Options::add_number(std::string name, Number& target, std::string help) {
  Option& option = declare(Option::Kind::kValue, std::move(name), std::move(help), "N");
  option.default_ = fmt::format("{}", target);
  option.assign_ = single([&target](const std::string& text) { return parse_number(text, target); });
  option.number_ = [&target] { return static_cast<double>(target); };
  option.print_ = print_number;
  return option;
}

Option& Options::add(std::string name, int& target, std::string help) {
  return add_number(std::move(name), target, std::move(help));
}
Option& Options::add(std::string name, std::int64_t& target, std::string help) {
  return add_number(std::move(name), target, std::move(help));
}
Option& Options::add(std::string name, std::uint64_t& target, std::string help) {
  return add_number(std::move(name), target, std::move(help));
}
Option& Options::add(std::string name, double& target, std::string help) {
  return add_number(std::move(name), target, std::move(help));
}

Option& Options::add(std::string name, bool& target, std::string help) {
  Option& option = declare(Option::Kind::kFlag, std::move(name), std::move(help), "");
  option.default_ = target ? "true" : "";
  option.assign_ = single([&target](const std::string& text) { return parse_flag(text, target); });
  return option;
}

Option& Options::add(std::string name, std::vector<std::string>& target, std::string help) {
  Option& option = declare(Option::Kind::kList, std::move(name), std::move(help), "TEXT");
  option.default_ = fmt::format("{}", fmt::join(target, ","));
  option.assign_ = [&target](const std::vector<std::string>& values) {
    target = values;
    return Status{};
  };
  return option;
}

Option& Options::add(std::string name, std::chrono::milliseconds& target, std::string help) {
  Option& option = declare(Option::Kind::kValue, std::move(name), std::move(help), "DURATION");
  option.default_ = format_duration(target);
  option.assign_ = single([&target](const std::string& text) { return store(parse_duration(text), target); });
  option.number_ = [&target] { return static_cast<double>(target.count()); };
  option.print_ = print_duration;
  return option;
}

Option& Options::add(std::string name, std::optional<std::chrono::milliseconds>& target, std::string help) {
  Option& option = declare(Option::Kind::kValue, std::move(name), std::move(help), "DURATION|off");
  option.default_ = target ? format_duration(*target) : "off";
  option.assign_ = single([&target](const std::string& text) -> Status {
    if (text == "off") {
      target.reset();
      return {};
    }
    return store(parse_duration(text), target);
  });
  return option;
}

Option& Options::add_bytes(std::string name, std::int64_t& target, std::string help) {
  Option& option = declare(Option::Kind::kValue, std::move(name), std::move(help), "BYTES");
  option.default_ = format_bytes(target);
  option.assign_ = single([&target](const std::string& text) { return store(parse_bytes(text), target); });
  option.number_ = [&target] { return static_cast<double>(target); };
  option.print_ = print_bytes;
  return option;
}

Option& Options::add_properties(std::string name, Properties& target, std::string help) {
  Option& option = declare(Option::Kind::kProperties, std::move(name), std::move(help), "NAME=VALUE");
  option.assign_ = [&target](const std::vector<std::string>& values) { return parse_properties_into(values, target); };
  return option;
}

Option& Options::add_positional(std::string name, std::string& target, std::string help) {
  Option& option = add(std::move(name), target, std::move(help));
  option.kind_ = Option::Kind::kPositional;
  option.command_line_only_ = true;
  return option;
}

const Option* Options::find(std::string_view name) const {
  for (const Option& option : options_) {
    if (option.name_ == name) return &option;
  }
  return nullptr;
}

Option* Options::find(std::string_view name) {
  return const_cast<Option*>(static_cast<const Options*>(this)->find(name));
}

bool Options::given(std::string_view name) const {
  const Option* option = find(name);
  MILLRACE_CHECK(option != nullptr, "given() asks for a declared option");
  return option->given();
}

std::string Options::help_text() const { return render_help(info_, options_); }

std::string Options::suggestion(std::string_view name) const {
  std::vector<std::string> names;
  for (const Option& option : options_) {
    if (option.kind_ != Option::Kind::kPositional) names.push_back(option.name_);
  }
  return nearest_name(name, names);
}

Result<ParseOutcome> Options::parse(const std::vector<std::string>& arguments, const Environment& environment) {
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
  const auto is_flag = [](const std::string& text) { return text.size() > 1 && text.front() == '-'; };
  const auto flag = std::find_if(unknown.begin(), unknown.end(), is_flag);
  if (flag == unknown.end()) return Status::invalid(fmt::format("unexpected argument '{}'", unknown.front()));
  const std::string typed = flag->substr(0, flag->find('='));
  const std::string near = suggestion(std::string_view{typed}.substr(typed.starts_with("--") ? 2 : 1));
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
  if (option == nullptr || option->kind_ == Option::Kind::kProperties || option->command_line_only_) {
    const std::string near = suggestion(key);
    return Status::invalid(near.empty() ? "there is no such option"
                                        : fmt::format("there is no such option: did you mean '{}'?", near));
  }
  return option->assign(option->kind_ == Option::Kind::kList ? split_list(value) : std::vector{value});
}

Status Options::apply_environment(const Environment& environment) {
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kEnvironmentPrefix) || variable == environment_name("config")) continue;
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
      return option.assign(option.kind_ == Option::Kind::kList ? split_list(value) : std::vector{value});
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

std::optional<int> Options::parse_main(int argc, const char* const* argv) {
  const Result<ParseOutcome> outcome = parse({argv + 1, argv + argc}, process_environment());
  if (!outcome.ok()) return report(info_.name, outcome.status());
  if (*outcome == ParseOutcome::kShowHelp) fmt::print("{}", help_text());
  if (*outcome == ParseOutcome::kShowVersion) fmt::print("{} {}\n", info_.name, info_.version);
  if (*outcome == ParseOutcome::kRun) return std::nullopt;
  return kExitOk;
}

Options::Environment process_environment() {
  Options::Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace millrace
