#pragma once

#include <optional>

#include "millrace/apps/program/http/http_address.h"
#include "millrace/framework/status.h"

namespace millrace {

/// A file descriptor, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// A listening TCP socket that any number of threads may accept from.
class HttpListener {
 public:
  /// kFailed names address and reason: in use, not of this machine, not allowed.
  static Result<HttpListener> open(const HttpAddress& address);

  /// With the port that was found for port 0.
  const HttpAddress& address() const { return address_; }
  /// Waits for a connection; none after stop().
  std::optional<Descriptor> accept() const;
  /// Ends all accept()s, also those to come. From any thread.
  void stop() const;
  bool stopped() const;

 private:
  HttpListener(HttpAddress address, Descriptor socket, Descriptor stop);

  HttpAddress address_;
  Descriptor socket_;
  Descriptor stop_;  ///< an eventfd: readable once stopped
};

}  // namespace millrace
