#include "millrace/apps/program/http/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace millrace {
namespace {

using testing::Field;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::StartsWith;

TEST(PageTest, ServesTheDocumentAndItsFiles) {
  EXPECT_THAT(page_file("/"),
              Optional(Field(&HttpResponse::content_type, "text/html; charset=utf-8")));
  EXPECT_THAT(page_file("/")->body, StartsWith("<!doctype html>"));
  EXPECT_THAT(page_file("/page/app.js"),
              Optional(Field(&HttpResponse::content_type, "text/javascript; charset=utf-8")));
  EXPECT_THAT(page_file("/page/style.css"),
              Optional(Field(&HttpResponse::content_type, "text/css; charset=utf-8")));
  EXPECT_THAT(page_file("/page/icon.svg"),
              Optional(Field(&HttpResponse::content_type, "image/svg+xml")));
}

TEST(PageTest, HasNothingElse) {
  for (const char* path : {"", "/index.html", "/page", "/page/", "/page/../app.js", "/page//app.js",
                           "/page/APP.js", "/app.js", "/page/page.cc"})
    EXPECT_FALSE(page_file(path)) << path;
}

TEST(PageTest, NamesOnlyFilesThatAreThereAndNoOtherHost) {
  const std::regex reference(R"((?:src|href)="(/page/[^"]+)\"|from "\./([^"]+)\")");
  int found = 0;
  for (const PageFile& file : page_files()) {
    const std::string text(file.text);
    for (std::sregex_iterator each(text.begin(), text.end(), reference), end; each != end; ++each) {
      const std::string path = (*each)[1].matched ? (*each)[1].str() : "/page/" + (*each)[2].str();
      EXPECT_TRUE(page_file(path)) << file.name << " wants " << path;
      ++found;
    }
    const std::regex name_of_svg("http://www.w3.org/2000/svg");
    EXPECT_THAT(std::regex_replace(text, name_of_svg, ""), Not(HasSubstr("://"))) << file.name;
  }
  EXPECT_GT(found, 10);
}

}  // namespace
}  // namespace millrace
