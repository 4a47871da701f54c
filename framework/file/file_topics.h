#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/framework/file/line_output.h"
#include "millrace/framework/file/line_reader.h"

namespace millrace {

/// The topics that are files, by name. Immutable once opened; what it holds is thread-safe.
struct FileTopics {
  std::map<std::string, std::unique_ptr<LineInput>, std::less<>> inputs;
  std::map<std::string, std::unique_ptr<LineOutput>, std::less<>> outputs;

  /// Null: no such input.
  LineInput* input(std::string_view topic) const {
    const auto found = inputs.find(topic);
    return found == inputs.end() ? nullptr : found->second.get();
  }
  /// Null: no such output.
  LineOutput* output(std::string_view topic) const {
    const auto found = outputs.find(topic);
    return found == outputs.end() ? nullptr : found->second.get();
  }
};

}  // namespace millrace
