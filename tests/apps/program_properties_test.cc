#include "millrace/apps/program/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {

bool operator==(const Property& a, const Property& b) {
  return a.key == b.key && a.value == b.value && a.line == b.line;
}
void PrintTo(const Property& property, std::ostream* out) {
  *out << property.line << ":" << property.key << "=" << property.value;
}

namespace {

using testing::ElementsAre;

std::vector<Property> parsed(std::string_view text) {
  return parse_properties(text, "test").value();
}

TEST(PropertiesTest, SeparatesKeysByEqualsColonOrBlank) {
  EXPECT_THAT(parsed("a=1\nb : 2\nc 3\n  d\t=\t4  \ne"),
              ElementsAre(Property{"a", "1", 1}, Property{"b", "2", 2}, Property{"c", "3", 3},
                          Property{"d", "4  ", 4}, Property{"e", "", 5}));
}

TEST(PropertiesTest, KeepsSeparatorsInsideValues) {
  EXPECT_THAT(parsed("jaas=user=\"x\" : y"), ElementsAre(Property{"jaas", "user=\"x\" : y", 1}));
}

TEST(PropertiesTest, SkipsCommentsAndEmptyLines) {
  EXPECT_THAT(parsed("# one\r\n\r\n  ! two\r\na=1 # not a comment\r\n"),
              ElementsAre(Property{"a", "1 # not a comment", 4}));
}

TEST(PropertiesTest, JoinsContinuedLinesWithoutTheirIndent) {
  EXPECT_THAT(
      parsed("a=1,\\\n   2,\\\n   3\nb=x\\\\\nc=y"),
      ElementsAre(Property{"a", "1,2,3", 1}, Property{"b", "x\\", 4}, Property{"c", "y", 5}));
}

TEST(PropertiesTest, ResolvesEscapes) {
  EXPECT_THAT(parsed(R"(a\=b\ c=\tx\n\u00e9\ud83d\ude00\q)"),
              ElementsAre(Property{"a=b c", "\tx\n\xC3\xA9\xF0\x9F\x98\x80q", 1}));
}

TEST(PropertiesTest, NamesTheLineOfAMalformedEscape) {
  for (const char* text : {"a=1\nb=\\u12", "a=1\nb=\\uzzzz", "a=1\nb=\\ud83d", "a=1\nb=\\ude00"}) {
    const auto properties = parse_properties(text, "x.properties");
    ASSERT_FALSE(properties.ok()) << text;
    EXPECT_EQ(properties.status().message(),
              "x.properties:2: malformed \\uXXXX escape: write four hex digits");
  }
}

}  // namespace
}  // namespace millrace
