#include "millrace/apps/program/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <type_traits>

#include "millrace/apps/program/duration.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/help.h"

namespace millrace {
namespace {

template <class Number>
Status parse_number(const std::string& text, Number& target) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    return Status::invalid(fmt::format("'{}' is too large a number", text));
  }
  if (error != std::errc{} || stop != end) {
    return Status::invalid(fmt::format(
        "'{}' is not {}", text, std::is_floating_point_v<Number> ? "a number" : "a whole number"));
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
  return
      [parse](const std::vector<std::string>& values) -> Status { return parse(values.front()); };
}

Status parse_properties_into(const std::vector<std::string>& values, Options::Properties& target) {
  for (const std::string& value : values) {
    const std::size_t equals = value.find('=');
    if (equals == 0 || equals == std::string::npos) {
      // Not shown: it may be a password.
      return Status::invalid("a property is NAME=VALUE, and this is none");
    }
    target[value.substr(0, equals)] = value.substr(equals + 1);
  }
  return {};
}

std::string print_number(double value) { return fmt::format("{:.15g}", value); }

std::string print_duration(double value) {
  return format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(value)});
}

std::string print_bytes(double value) { return format_bytes(static_cast<std::int64_t>(value)); }

}  // namespace

Options::Options(ProgramInfo info) : info_(std::move(info)) {
  heading("General");
  add("config", config_, "read options from FILE, in Java properties format: name=value")
      .value_name("FILE");
  add("help", help_, "show this text");
  add("version", version_, "show the version");
  for (Option& option : options_) option.command_line_only_ = true;
  heading("Options");
}

void Options::heading(std::string text) { heading_ = std::move(text); }

Option& Options::declare(Option::Kind kind, std::string name, std::string help,
                         std::string value_name) {
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

template <class Number>
Option& Options::add_number(std::string name, Number& target, std::string help) {
  Option& option = declare(Option::Kind::kValue, std::move(name), std::move(help), "N");
  option.default_ = fmt::format("{}", target);
  option.assign_ =
      single([&target](const std::string& text) { return parse_number(text, target); });
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
  option.assign_ =
      single([&target](const std::string& text) { return store(parse_duration(text), target); });
  option.number_ = [&target] { return static_cast<double>(target.count()); };
  option.print_ = print_duration;
  return option;
}

Option& Options::add(std::string name, std::optional<std::chrono::milliseconds>& target,
                     std::string help) {
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
  option.assign_ =
      single([&target](const std::string& text) { return store(parse_bytes(text), target); });
  option.number_ = [&target] { return static_cast<double>(target); };
  option.print_ = print_bytes;
  return option;
}

Option& Options::add_properties(std::string name, Properties& target, std::string help) {
  Option& option =
      declare(Option::Kind::kProperties, std::move(name), std::move(help), "NAME=VALUE");
  option.assign_ = [&target](const std::vector<std::string>& values) {
    return parse_properties_into(values, target);
  };
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
