#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// The name that `wrong` was probably meant to be: the nearest by edit distance (a swap of
/// neighbours counts one), if it is near enough to be worth saying; else empty.
std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace millrace
