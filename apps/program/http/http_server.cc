#include "millrace/apps/program/http/http_server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>

namespace millrace {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{50};  // at whether the server is to stop
constexpr std::size_t kDrainBytes = 64 * 1024;
// What a browser may do with an answer: ask this server for more, and nobody else.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A connection with limits: on what is read, and on the time for it. The library behind would wait
/// anew for each byte, and keep any number of headers.
class BoundedStream final : public httplib::Stream {
 public:
  BoundedStream(const Descriptor& connection, const HttpListener& listener,
                const HttpServer::Limits& limits)
      : fd_(connection.get()),
        listener_(listener),
        deadline_(SteadyClock::now() + limits.request_time),
        answer_time_(limits.answer_time),
        left_(limits.request_bytes) {}

  bool is_readable() const override { return left_ > 0; }
  bool is_writable() const override { return true; }

  ssize_t read(char* out, size_t size) override {
    if (next_ == filled_) {
      const std::size_t most = std::min(left_, buffer_.size());
      if (most == 0) return -1;
      const ssize_t got = attempt(POLLIN, [&] { return recv(fd_, buffer_.data(), most, 0); });
      if (got <= 0) return got;
      next_ = 0;
      filled_ = static_cast<std::size_t>(got);
      left_ -= filled_;
    }
    const std::size_t count = std::min(size, filled_ - next_);
    std::copy_n(buffer_.data() + next_, count, out);
    next_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* data, size_t size) override {
    if (!std::exchange(answering_, true)) deadline_ = SteadyClock::now() + answer_time_;
    return attempt(POLLOUT, [&] { return send(fd_, data, size, MSG_NOSIGNAL); });
  }

  /// Lets the client read the answer: closing while something of it is unread would reset the
  /// connection.
  void finish() {
    shutdown(fd_, SHUT_WR);
    for (std::size_t drained = 0; drained < kDrainBytes;) {
      const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return;
      drained += static_cast<std::size_t>(got);
    }
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override { unknown(ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { unknown(ip, port); }
  // Asked for only to refuse numbers that do not fit select(), which is not used here.
  socket_t socket() const override { return 0; }

 private:
  static void unknown(std::string& ip, int& port) {
    ip.clear();
    port = 0;
  }

  template <class Call>
  ssize_t attempt(short event, Call call) {
    while (true) {
      const ssize_t done = call();
      if (done >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return done;
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline_ - SteadyClock::now());
      if (left.count() <= 0 || listener_.stopped()) return -1;
      pollfd file{fd_, event, 0};
      poll(&file, 1, static_cast<int>(std::min(left, kLook).count()));
    }
  }

  const int fd_;
  const HttpListener& listener_;
  SteadyClock::time_point deadline_;
  const std::chrono::milliseconds answer_time_;
  bool answering_ = false;
  std::size_t left_;
  std::array<char, 4096> buffer_;
  std::size_t next_ = 0;
  std::size_t filled_ = 0;
};

/// The library's reading of requests and writing of answers, without its sockets, threads, routes
/// and files.
class Protocol final : private httplib::Server {
 public:
  explicit Protocol(const HttpHandler& handler) {
    set_default_headers({{"X-Content-Type-Options", "nosniff"},
                         {"Cache-Control", "no-store"},
                         {"Content-Security-Policy", kPolicy},
                         {"Referrer-Policy", "no-referrer"}});
    set_pre_routing_handler([&handler](const httplib::Request& request, httplib::Response& out) {
      answer(handler, request, out);
      return HandlerResponse::Handled;
    });
  }

  void serve(BoundedStream& stream) {
    bool closed = false;
    process_request(stream, true, closed, [](httplib::Request& request) {
      // Ranges would multiply an answer, compression costs time, and a body is never read.
      request.ranges.clear();
      for (const char* name : {"Accept-Encoding", "Expect"}) request.headers.erase(name);
    });
  }

 private:
  static void answer(const HttpHandler& handler, const httplib::Request& request,
                     httplib::Response& out) {
    if (request.method != "GET" && request.method != "HEAD") {
      out.status = 405;
      out.set_header("Allow", "GET, HEAD");
      return out.set_content("only GET and HEAD are served\n", "text/plain; charset=utf-8");
    }
    HttpRequest question{request.path, {}, request.get_header_value("Accept")};
    for (const auto& [name, value] : request.params) question.query.emplace(name, value);
    const HttpResponse answer = handler(question);
    out.status = answer.status;
    out.set_content(answer.body, answer.content_type);
  }
};

void serve_all(const HttpListener& listener, const HttpHandler& handler,
               const HttpServer::Limits& limits) {
  Protocol protocol(handler);
  while (const auto connection = listener.accept()) {
    BoundedStream stream(*connection, listener, limits);
    try {
      protocol.serve(stream);
    } catch (const std::exception&) {
      // Memory, or a request that the library trips over: this connection ends, the next one is
      // served.
    }
    stream.finish();
  }
}

}  // namespace

HttpServer::HttpServer(HttpListener listener, HttpHandler handler, const Limits& limits)
    : listener_(std::move(listener)), handler_(std::move(handler)), limits_(limits) {
  for (int i = 0; i < limits_.threads; ++i)
    threads_.emplace_back([this] { serve_all(listener_, handler_, limits_); });
}

HttpServer::~HttpServer() {
  listener_.stop();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace millrace
