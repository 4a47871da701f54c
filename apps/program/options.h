#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/apps/program/option.h"
#include "millrace/apps/program/program_info.h"
#include "millrace/framework/status.h"

namespace millrace {

/// What a command line asked for.
enum class ParseOutcome { kRun, kShowHelp, kShowVersion };

/// The options of a program, read from three layers in rising precedence: the file of `--config
/// FILE` (Java properties: `commit-interval=100ms`), the environment
/// (`MILLRACE_COMMIT_INTERVAL=100ms`), the command line
/// (`--commit-interval 100ms`). A name that no option has is an error in any layer, and the nearest
/// one is suggested.
///
///     Options options{{"frames", kVersion, "Writes frames as JSON lines.", {{"frames --count
///     1000", "a thousand frames"}}}}; options.heading("Amount"); options.add("count", count,
///     "frames to write").range(1, 1e12).required(); if (auto exit_code = options.parse_main(argc,
///     argv)) return *exit_code;
///
/// A target's value at declaration is its default and shown by --help. Targets are borrowed: they
/// must outlive parsing.
/// --config, --help and --version are always there. Used by one thread, before others start.
class Options {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;
  using Properties = std::map<std::string, std::string>;

  explicit Options(ProgramInfo info);
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  /// Options added from here on stand under this heading in --help.
  void heading(std::string text);

  /// Declares `--name`. The returned reference lives as long as this object.
  Option& add(std::string name, std::string& target, std::string help);
  Option& add(std::string name, int& target, std::string help);
  Option& add(std::string name, std::int64_t& target, std::string help);
  Option& add(std::string name, std::uint64_t& target, std::string help);
  Option& add(std::string name, double& target, std::string help);
  /// A flag: `--name`; a file says `name=true`, and `--name=false` overrules it.
  Option& add(std::string name, bool& target, std::string help);
  /// Repeatable on the command line; comma-separated in a file and the environment.
  Option& add(std::string name, std::vector<std::string>& target, std::string help);
  /// A duration (see parse_duration()): "5s".
  Option& add(std::string name, std::chrono::milliseconds& target, std::string help);
  /// A duration, or the word "off", which is none.
  Option& add(std::string name, std::optional<std::chrono::milliseconds>& target, std::string help);
  /// A number of bytes (see parse_bytes()): "512M".
  Option& add_bytes(std::string name, std::int64_t& target, std::string help);
  /// Properties of something else, passed on: `--kafka NAME=VALUE`, in a file `kafka.NAME=VALUE`,
  /// in the environment MILLRACE_KAFKA_SASL_PASSWORD for kafka.sasl.password. Layers are merged key
  /// by key.
  Option& add_properties(std::string name, Properties& target, std::string help);
  /// A value without a name, in the order of declaration: `millrace load FILE`.
  Option& add_positional(std::string name, std::string& target, std::string help);

  /// Reads all layers and assigns the targets. `arguments` are those behind the program's name.
  /// kInvalid: one line that names where, what and the remedy. With kShowHelp and kShowVersion
  /// nothing was assigned.
  Result<ParseOutcome> parse(const std::vector<std::string>& arguments,
                             const Environment& environment);
  /// parse() with the process's environment. Help and version go to standard output, an error to
  /// standard error; then the exit code is returned. None: run.
  std::optional<int> parse_main(int argc, const char* const* argv);

  /// Whether any layer gave this option a value. REQUIRES: it is declared.
  bool given(std::string_view name) const;
  bool declares(std::string_view name) const { return find(name) != nullptr; }
  const ProgramInfo& info() const { return info_; }
  const std::deque<Option>& all() const { return options_; }
  std::string help_text() const;

 private:
  Option& declare(Option::Kind kind, std::string name, std::string help, std::string value_name);
  template <class Number>
  Option& add_number(std::string name, Number& target, std::string help);
  const Option* find(std::string_view name) const;
  Option* find(std::string_view name);
  Status check_known(const std::vector<std::string>& unknown) const;
  Status apply_file(const std::string& path);
  Status assign_property(const std::string& key, const std::string& value);
  Status apply_environment(const Environment& environment);
  Status assign_variable(const std::string& variable, const std::string& value);
  Status check_required() const;
  std::string suggestion(std::string_view name) const;

  ProgramInfo info_;
  std::string heading_ = "Options";
  std::deque<Option> options_;  // stable references
  std::string config_;
  bool help_ = false;
  bool version_ = false;
};

/// All variables of the process's environment.
Options::Environment process_environment();

}  // namespace millrace
