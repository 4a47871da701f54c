#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/status.h"

namespace millrace {

/// A key, its value and the line it began on.
struct Property {
  std::string key;
  std::string value;
  int line = 0;
};

/// Reads Java's properties format: `key=value`, `key: value` or `key value`, comments with `#` or
/// `!`, a backslash at the end continues a line, escapes \t \n \r \f \\ \= \: \# \! \uXXXX. Format:
/// java.util.Properties.load(Reader). `name` is the file in messages.
Result<std::vector<Property>> parse_properties(std::string_view text, std::string_view name);

/// parse_properties() of a file; kInvalid if it cannot be read.
Result<std::vector<Property>> read_properties_file(const std::string& path);

}  // namespace millrace
