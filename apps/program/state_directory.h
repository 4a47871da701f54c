#pragma once

#include <filesystem>
#include <string>

#include "millrace/framework/status.h"

namespace millrace {

/// Where state is kept when --state-dir says nothing: $XDG_STATE_HOME/millrace, else
/// ~/.local/state/millrace, else
/// ./millrace-state. Never under /tmp, which a restart empties.
std::filesystem::path default_state_dir();

/// The directory of one application below the state directory (empty: the default):
/// <state-dir>/<application-id>.
std::filesystem::path application_directory(const std::string& state_dir,
                                            const std::string& application_id);

/// kInvalid unless the id can name topics and a directory: letters, digits, '.', '_', '-', at most
/// 200 characters.
Status check_application_id(const std::string& application_id);

}  // namespace millrace
