#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "millrace/apps/program/http/http_exchange.h"

namespace millrace {

/// A file of the folder page/, as it was when the program was built.
struct PageFile {
  std::string_view name;  ///< "index.html"
  std::string_view text;
};

/// All of them; in a source that cmake/embed_page.cmake writes.
std::span<const PageFile> page_files();

/// What is at this path of the page: "/", or "/page/" and the name of a file; none: nothing.
std::optional<HttpResponse> page_file(std::string_view path);

}  // namespace millrace
