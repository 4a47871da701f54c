#include "millrace/operators/value_json.h"

#include <gtest/gtest.h>

#include <limits>

namespace millrace {
namespace {

enum class Level : std::uint8_t { kLow = 1, kHigh = 2 };

struct User {
  std::int64_t id = 0;
  std::string name;
  std::vector<Level> levels;
};
auto millrace_fields(const User*) { return fields<User>(&User::id, &User::name, &User::levels); }

/// Has a format of its own, and no fields.
struct Blob {
  std::string bytes;
};

}  // namespace

template <>
struct Format<Blob> {
  static void write(const Blob& blob, ByteWriter& out) { out.bytes(blob.bytes); }
  static Blob read(ByteReader& in) { return {std::string(in.bytes(in.rest().size()))}; }
};

namespace {

template <class T>
std::string json(const T& value) {
  std::string text;
  JsonWriter writer(text);
  write_value_json(value, writer);
  return text;
}

TEST(ValueJson, WritesNumbersTextsAndBooleans) {
  EXPECT_EQ(json(true), "true");
  EXPECT_EQ(json(std::int8_t{-5}), "-5");
  EXPECT_EQ(json(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(json(0.5), "0.5");
  EXPECT_EQ(json(0.25f), "0.25");
  EXPECT_EQ(json(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(json(Level::kHigh), "2");
  EXPECT_EQ(json(std::string("a \"b\"\xff")), "\"a \\\"b\\\"\xEF\xBF\xBD\"");
  EXPECT_EQ(json(std::chrono::sys_seconds(std::chrono::seconds(60))), "60");
}

TEST(ValueJson, WritesWhatContainsOthers) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(json(std::optional<int>()), "null");
  EXPECT_EQ(json(std::optional(5)), "5");
  EXPECT_EQ(json(std::pair(1, std::string("a"))), R"([1,"a"])");
  EXPECT_EQ(json(Strings{}), "[]");
  EXPECT_EQ(json(std::vector<Strings>{{}, {"a", "b"}}), R"([[],["a","b"]])");
  EXPECT_EQ(json(std::map<std::string, bool>{{"a", true}, {"b", false}}),
            R"({"a":true,"b":false})");
  EXPECT_EQ(json(std::map<int, Strings>{{1, {"a"}}, {2, {}}}), R"([[1,["a"]],[2,[]]])");
}

TEST(ValueJson, WritesStructsAsArraysOfTheirFields) {
  EXPECT_EQ(json(User{7, "ada", {Level::kLow, Level::kHigh}}), R"([7,"ada",[1,2]])");
  EXPECT_EQ(json(std::vector<User>{{1, "a", {}}, {2, "b", {}}}), R"([[1,"a",[]],[2,"b",[]]])");
}

TEST(ValueJson, WritesOtherFormatsAsTheirBytes) { EXPECT_EQ(json(Blob{"abc"}), R"("YWJj")"); }

}  // namespace
}  // namespace millrace
