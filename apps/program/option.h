#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/status.h"

namespace millrace {

/// One declared option: how it is called, what it accepts, and where its value goes. Made by
/// Options::add().
///
/// The setters refine the declaration and chain: `options.add("threads", threads, "...").range(1,
/// 256)`.
class Option {
 public:
  enum class Kind {
    kValue,       ///< --name VALUE
    kFlag,        ///< --name, or name=true in a file
    kList,        ///< --name VALUE, repeatable; "a,b" in a file or the environment
    kProperties,  ///< --name KEY=VALUE, repeatable; name.KEY=VALUE in a file
    kPositional,  ///< VALUE without a name; command line only
  };

  /// Without it the program does not start.
  Option& required();
  /// What --help calls the value: "HOST:PORT,...", "TOPIC". Default: by type.
  Option& value_name(std::string name);
  /// What --help shows as default when the target's value says too little; "" shows none.
  Option& default_text(std::string text);
  /// Limits of a number, both included. REQUIRES: a numeric target.
  Option& range(double least, double most);
  /// Limits of a duration, both included. REQUIRES: a duration target.
  Option& range(std::chrono::milliseconds least, std::chrono::milliseconds most);
  /// The words allowed. REQUIRES: a string or list target.
  Option& one_of(std::vector<std::string> words);

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  /// As typed by people: "--name", or "NAME" for a positional one.
  std::string label() const { return kind_ == Kind::kPositional ? name_ : "--" + name_; }
  const std::string& heading() const { return heading_; }
  const std::string& help() const { return help_; }
  const std::string& value_name() const { return value_name_; }
  const std::string& default_text() const { return default_; }
  const std::vector<std::string>& words() const { return words_; }
  bool is_required() const { return required_; }
  bool given() const { return given_; }
  bool repeatable() const { return kind_ == Kind::kList || kind_ == Kind::kProperties; }

  /// Takes the values of one layer; replaces what a lower layer said (properties: key by key).
  /// kInvalid says what is wrong with the value; the caller adds where it stood.
  Status assign(const std::vector<std::string>& values);

 private:
  friend class Options;
  using Assign = std::function<Status(const std::vector<std::string>&)>;

  Status check_words(const std::vector<std::string>& values) const;
  Status check_range() const;

  Kind kind_ = Kind::kValue;
  std::string name_;
  std::string heading_;
  std::string help_;
  std::string value_name_;
  std::string default_;
  std::vector<std::string> words_;
  std::optional<std::pair<double, double>> range_;
  bool required_ = false;
  bool given_ = false;
  bool command_line_only_ = false;
  Assign assign_;
  std::function<double()> number_;            // numeric and duration targets: the present value
  std::function<std::string(double)> print_;  // renders a limit in the target's unit
};

}  // namespace millrace
