#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// RFC 4648, without padding.
std::string to_base64(std::string_view bytes);
/// None if `text` holds anything but the alphabet.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace millrace
