#pragma once

#include <deque>
#include <string>

#include "millrace/apps/program/option.h"
#include "millrace/apps/program/program_info.h"

namespace millrace {

/// The text of --help: what the program is for, its options by heading with their defaults,
/// examples. At most 100 columns.
std::string render_help(const ProgramInfo& info, const std::deque<Option>& options);

/// Breaks `text` at blanks into lines of at most `width` columns, each but the first indented.
std::string wrap(const std::string& text, std::size_t indent, std::size_t width);

}  // namespace millrace
