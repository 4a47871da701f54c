#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// Where a server listens.
struct HttpAddress {
  std::string host;
  std::uint16_t port = 0;  ///< 0: one that is free

  /// "8080" and ":8080" are on loopback; "0.0.0.0:8080", "[::]:8080", "name:8080" name the host.
  /// kInvalid: it is none of these.
  static Result<HttpAddress> parse(std::string_view text);
  /// "127.0.0.1:8080", "[::1]:8080".
  std::string text() const;

  /// What others may reach it by: this machine's name in the place of all of its addresses.
  HttpAddress reachable() const;

  static constexpr std::string_view kLoopback = "127.0.0.1";
};

}  // namespace millrace
