#pragma once

#include <functional>
#include <map>
#include <string>

namespace millrace {

/// What was asked for, by GET or HEAD; nothing else gets so far.
struct HttpRequest {
  std::string path;                          ///< decoded, without the query: "/state"
  std::map<std::string, std::string> query;  ///< the first value of each name
  std::string accept;                        ///< the Accept header; empty: none
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Answers a request. Called by several threads at once; must return soon and not throw.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

}  // namespace millrace
