#include "millrace/apps/program/http/http_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace millrace {
namespace {

using testing::HasSubstr;

std::string parsed(std::string_view text) {
  const auto address = HttpAddress::parse(text);
  return address.ok() ? address->text() : std::string(address.status().message());
}

TEST(HttpAddressTest, IsOnLoopbackUnlessAHostIsNamed) {
  EXPECT_EQ(parsed("8080"), "127.0.0.1:8080");
  EXPECT_EQ(parsed(":8080"), "127.0.0.1:8080");
  EXPECT_EQ(parsed("0"), "127.0.0.1:0");
  EXPECT_EQ(parsed("0.0.0.0:8080"), "0.0.0.0:8080");
  EXPECT_EQ(parsed("host-7.example:65535"), "host-7.example:65535");
  EXPECT_EQ(parsed("[::]:80"), "[::]:80");
}

TEST(HttpAddressTest, IsReachedByTheNameOfTheMachineWhereItIsAllOfIts) {
  const auto reachable = [](std::string_view text) {
    return HttpAddress::parse(text)->reachable().text();
  };
  EXPECT_EQ(reachable("8080"), "127.0.0.1:8080");
  EXPECT_EQ(reachable("host-7.example:80"), "host-7.example:80");
  char name[256] = {};
  ASSERT_EQ(gethostname(name, sizeof name - 1), 0);
  EXPECT_EQ(reachable("0.0.0.0:80"), std::string(name) + ":80");
  EXPECT_EQ(reachable("[::]:80"), std::string(name) + ":80");
}

TEST(HttpAddressTest, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ":", "localhost", "localhost:", "x:65536", "x:-1", "x:+80", "x:80 ",
                           "::1:80", "[::1]", "a b:80", "http://x:80", "[x:80", "user@x:80"}) {
    const auto address = HttpAddress::parse(text);
    EXPECT_EQ(address.status().code(), StatusCode::kInvalid) << text;
    EXPECT_THAT(std::string(address.status().message()), HasSubstr("HOST:PORT")) << text;
  }
}

}  // namespace
}  // namespace millrace
