#include "millrace/apps/program/http/page.h"

#include <string>

namespace millrace {
namespace {

constexpr std::string_view kFolder = "/page/";

std::string content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

}  // namespace

std::optional<HttpResponse> page_file(std::string_view path) {
  const std::string_view name = path == "/"                 ? "index.html"
                                : path.starts_with(kFolder) ? path.substr(kFolder.size())
                                                            : std::string_view();
  for (const PageFile& file : page_files())
    if (file.name == name) return HttpResponse{200, content_type(name), std::string(file.text)};
  return std::nullopt;
}

}  // namespace millrace
