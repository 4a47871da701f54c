#pragma once

#include <cstdint>
#include <string>

namespace millrace {

/// Digits in groups of three: 1234567 is "1,234,567".
std::string with_thousands(std::int64_t number);

}  // namespace millrace
