#pragma once

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "millrace/apps/program/http/http_exchange.h"
#include "millrace/apps/program/http/http_listener.h"

namespace millrace {

/// Serves a handler by HTTP: GET and HEAD, one request a connection, no files.
///
/// Made for clients that mean no good: a few threads, one connection each; those beyond wait in the
/// kernel, which bounds them too. What a request or an answer may take is limited, and then the
/// connection is closed. Owns its threads.
class HttpServer {
 public:
  struct Limits {
    int threads = 4;
    std::size_t request_bytes = 8 * 1024;  ///< request line and headers; a body is never read
    std::chrono::milliseconds request_time{2'000};
    std::chrono::milliseconds answer_time{5'000};
  };

  /// Serves until it is destroyed, which takes a fraction of a second whatever clients do.
  HttpServer(HttpListener listener, HttpHandler handler, const Limits& limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const HttpAddress& address() const { return listener_.address(); }

 private:
  const HttpListener listener_;
  const HttpHandler handler_;
  const Limits limits_;
  std::vector<std::thread> threads_;
};

}  // namespace millrace
