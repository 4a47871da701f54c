#include "millrace/apps/program/state_directory.h"

#include <fmt/format.h>

#include <cstdlib>

namespace millrace {
namespace {

// Kafka's limit for topic names is 249; the names of stores and suffixes come on top.
constexpr std::size_t kMaxApplicationId = 200;

bool is_topic_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::filesystem::path default_state_dir() {
  if (const std::string home = variable("XDG_STATE_HOME"); !home.empty()) {
    return std::filesystem::path{home} / "millrace";
  }
  if (const std::string home = variable("HOME"); !home.empty()) {
    return std::filesystem::path{home} / ".local" / "state" / "millrace";
  }
  return "millrace-state";
}

std::filesystem::path application_directory(const std::string& state_dir,
                                            const std::string& application_id) {
  return (state_dir.empty() ? default_state_dir() : std::filesystem::path{state_dir}) /
         application_id;
}

Status check_application_id(const std::string& application_id) {
  bool valid = !application_id.empty() && application_id.size() <= kMaxApplicationId &&
               application_id != "." && application_id != "..";
  for (const char c : application_id) valid = valid && is_topic_character(c);
  if (valid) return {};
  return Status::invalid(
      fmt::format("application id '{}' cannot name topics: use letters, digits, '.', '_' and '-', "
                  "at most {} characters",
                  application_id, kMaxApplicationId));
}

}  // namespace millrace
