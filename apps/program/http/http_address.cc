#include "millrace/apps/program/http/http_address.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

namespace millrace {

Result<HttpAddress> HttpAddress::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Status::invalid(fmt::format(
        "no address to serve HTTP at: '{}': {}: give PORT for loopback, or HOST:PORT", text, why));
  };
  std::string_view host;
  std::string_view digits = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    digits = text.substr(colon + 1);
  }
  HttpAddress address;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, address.port);
  if (digits.empty() || error != std::errc() || rest != end)
    return wrong(fmt::format("'{}' is no port from 0 to 65535", digits));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[]") != std::string_view::npos)
    return wrong("an IPv6 address stands in brackets");
  if (host.find_first_of(" /\t@") != std::string_view::npos) return wrong("this names no host");
  address.host = host.empty() ? kLoopback : host;
  return address;
}

HttpAddress HttpAddress::reachable() const {
  if (host != "0.0.0.0" && host != "::") return *this;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return *this;
  return {name, port};
}

std::string HttpAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

}  // namespace millrace
