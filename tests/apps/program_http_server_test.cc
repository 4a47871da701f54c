#include "millrace/apps/program/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace millrace {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A server whose answer is what it was asked, and clients made of bare sockets.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() { serve({}); }

  void serve(const HttpServer::Limits& limits) {
    server_.reset();
    auto listener = HttpListener::open({std::string(HttpAddress::kLoopback), 0});
    EXPECT_TRUE(listener.ok()) << listener.status().message();
    server_ = std::make_unique<HttpServer>(std::move(*listener), &echo, limits);
  }

  static HttpResponse echo(const HttpRequest& request) {
    HttpResponse answer{200, "text/x-echo", "path=" + request.path};
    for (const auto& [name, value] : request.query) answer.body += " " + name + "=" + value;
    answer.body += " accept=" + request.accept + "\n";
    return answer;
  }

  Descriptor connect() const {
    Descriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval hang{60, 0};  // ends a hang
    setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &hang, sizeof hang);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->address().port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return client;
  }

  static void send_text(const Descriptor& client, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has heard enough
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Everything until the server closes the connection.
  static std::string read_all(const Descriptor& client) {
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(client.get(), buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    return text;
  }

  std::string exchange(std::string_view request) const {
    const Descriptor client = connect();
    send_text(client, request);
    return read_all(client);
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersGetAndClosesTheConnection) {
  EXPECT_THAT(exchange("GET /a/b?x=1&y=two%20words HTTP/1.1\r\nHost: x\r\nAccept: text/y\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: text/x-echo\r\n"),
                    HasSubstr("Connection: close\r\n"), HasSubstr("Content-Length: 40\r\n"),
                    HasSubstr("X-Content-Type-Options: nosniff\r\n"),
                    EndsWith("\r\n\r\npath=/a/b x=1 y=two words accept=text/y\n")));
}

TEST_F(HttpServerTest, AnswersHeadWithoutTheBody) {
  EXPECT_THAT(exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 15\r\n"),
                    EndsWith("\r\n\r\n")));
}

TEST_F(HttpServerTest, RefusesOtherMethodsWithoutReadingABody) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"})
    EXPECT_THAT(exchange(std::string(method) + " / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                               "Content-Length: 1000000000000\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")))
        << method;
  EXPECT_THAT(exchange("BREW / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, NeitherMultipliesNorCompressesAnAnswer) {
  std::string ranges = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\nRange: bytes=0-";
  for (int i = 0; i < 1'000; ++i) ranges += ",0-";
  EXPECT_THAT(exchange(ranges + "\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), Not(HasSubstr("Content-Encoding")),
                    EndsWith("\r\n\r\npath=/ accept=\n")));
}

TEST_F(HttpServerTest, GivesUpARequestThatIsTooLong) {
  const std::string much(2 * HttpServer::Limits{}.request_bytes, 'x');
  EXPECT_THAT(exchange("GET /" + much + " HTTP/1.1\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nX: " + much + "\r\n\r\n"), Not(HasSubstr(" 200 ")));
  std::string many = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < HttpServer::Limits{}.request_bytes; ++i) many += "x: y\r\n";
  EXPECT_THAT(exchange(many + "\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerTest, GivesUpClientsThatSayNothingAndServesThoseBehindThem) {
  serve({.request_time = std::chrono::milliseconds(100)});
  std::vector<Descriptor> silent;
  for (int i = 0; i < 2 * HttpServer::Limits{}.threads; ++i) {
    silent.push_back(connect());
    send_text(silent.back(), "GET / HT");
  }
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const Descriptor& each : silent) EXPECT_EQ(read_all(each), "");
}

TEST_F(HttpServerTest, EndsAtOnceWhateverClientsDo) {
  serve({.request_time = std::chrono::hours(1)});
  std::vector<Descriptor> silent;
  for (int i = 0; i < HttpServer::Limits{}.threads; ++i) silent.push_back(connect());
  const std::uint16_t port = server_->address().port;
  server_.reset();
  EXPECT_TRUE(HttpListener::open({std::string(HttpAddress::kLoopback), port}).ok())
      << "the next server may have the port at once";
}

TEST_F(HttpServerTest, NamesAnAddressThatIsInUse) {
  const auto second = HttpListener::open(server_->address());
  EXPECT_EQ(second.status().code(), StatusCode::kFailed);
  EXPECT_THAT(
      std::string(second.status().message()),
      AllOf(HasSubstr(server_->address().text()), HasSubstr("in use"), HasSubstr("--http")));
  const auto nowhere = HttpListener::open({"192.0.2.1", 0});
  EXPECT_THAT(std::string(nowhere.status().message()), HasSubstr("192.0.2.1:0"));
}

}  // namespace
}  // namespace millrace
