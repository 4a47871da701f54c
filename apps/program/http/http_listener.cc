#include "millrace/apps/program/http/http_listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

namespace millrace {
namespace {

constexpr int kBacklog = 64;  // connections that wait in the kernel until a thread is free
constexpr std::chrono::milliseconds kNoDescriptors{100};

std::uint16_t bound_port(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

HttpListener::HttpListener(HttpAddress address, Descriptor socket, Descriptor stop)
    : address_(std::move(address)), socket_(std::move(socket)), stop_(std::move(stop)) {}

Result<HttpListener> HttpListener::open(const HttpAddress& address) {
  const auto failed = [&](std::string_view why) {
    return Status::failed(fmt::format("cannot serve HTTP at {}: {}: give another --http address",
                                      address.text(), why));
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &list); error != 0)
    return failed(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(list, &freeaddrinfo);
  int reason = 0;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    // Not blocking: of several threads that see a connection only one gets it.
    Descriptor socket(
        ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;  // a restart does not wait for connections of before
    if (socket.valid() && setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(socket.get(), each->ai_addr, each->ai_addrlen) == 0 &&
        listen(socket.get(), kBacklog) == 0) {
      Descriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      if (!stop.valid()) return failed(std::strerror(errno));
      HttpAddress bound{address.host, bound_port(socket.get())};
      return HttpListener(std::move(bound), std::move(socket), std::move(stop));
    }
    reason = errno;
  }
  return failed(std::strerror(reason));
}

std::optional<Descriptor> HttpListener::accept() const {
  while (true) {
    pollfd files[] = {{stop_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
    if (poll(files, 2, -1) < 0) continue;
    if (files[0].revents != 0) return std::nullopt;
    Descriptor connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) return connection;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      std::this_thread::sleep_for(kNoDescriptors);  // it stays readable: no busy loop
  }
}

void HttpListener::stop() const {
  const std::uint64_t one = 1;
  static_cast<void>(write(stop_.get(), &one, sizeof one));  // full means stopped before
}

bool HttpListener::stopped() const {
  pollfd file{stop_.get(), POLLIN, 0};
  return poll(&file, 1, 0) != 0;
}

}  // namespace millrace
