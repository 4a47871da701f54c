#include "millrace/apps/program/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace millrace {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kIndent = 30;  // where descriptions begin

std::string left_column(const Option& option) {
  if (option.value_name().empty()) return option.label();
  if (option.kind() == Option::Kind::kPositional) return option.name();
  return option.label() + " " + option.value_name();
}

std::string right_column(const Option& option) {
  std::string text = option.help();
  if (option.is_required()) text += " [required]";
  if (option.repeatable()) text += " [repeatable]";
  if (!option.default_text().empty()) text += fmt::format(" [default: {}]", option.default_text());
  return text;
}

void append_option(const Option& option, std::string& out) {
  std::string left = "  " + left_column(option);
  if (left.size() + 2 > kIndent) {
    out += left + "\n";
    left.clear();
  }
  out += fmt::format("{:<{}}{}\n", left, kIndent, wrap(right_column(option), kIndent, kColumns));
}

std::vector<std::string> headings_in_order(const std::deque<Option>& options) {
  std::vector<std::string> headings;
  for (const Option& option : options) {
    if (std::find(headings.begin(), headings.end(), option.heading()) == headings.end()) {
      headings.push_back(option.heading());
    }
  }
  // The options that every program has are declared first, and shown last.
  if (!headings.empty()) std::rotate(headings.begin(), headings.begin() + 1, headings.end());
  return headings;
}

}  // namespace

std::string wrap(const std::string& text, std::size_t indent, std::size_t width) {
  std::istringstream words{text};
  std::string out;
  std::size_t column = indent;
  for (std::string word; words >> word;) {
    if (column > indent && column + 1 + word.size() > width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string render_help(const ProgramInfo& info, const std::deque<Option>& options) {
  std::string usage = fmt::format("Usage: {} [OPTIONS]", info.name);
  for (const Option& option : options) {
    if (option.kind() != Option::Kind::kPositional) continue;
    usage += option.is_required() ? " " + option.name() : fmt::format(" [{}]", option.name());
  }
  std::string out = fmt::format("{}\n\n{}\n", wrap(info.summary, 0, kColumns), usage);
  for (const std::string& heading : headings_in_order(options)) {
    out += fmt::format("\n{}:\n", heading);
    for (const Option& option : options) {
      if (option.heading() == heading) append_option(option, out);
    }
  }
  if (!info.examples.empty()) out += "\nExamples:\n";
  for (const Example& example : info.examples)
    out += fmt::format("  {}\n      {}\n", example.command, example.effect);
  return out;
}

}  // namespace millrace
