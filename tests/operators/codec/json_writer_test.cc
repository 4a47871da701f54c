#include "millrace/operators/codec/json_writer.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <limits>
#include <random>
#include <string>

namespace millrace {
namespace {

template <class Write>
std::string written(Write write) {
  std::string out;
  JsonWriter writer{out};
  write(writer);
  return out;
}

std::string as_string(std::string_view text) {
  return written([&](JsonWriter& json) { json.string(text); });
}

TEST(JsonWriterTest, WritesCompactObjects) {
  std::string out = "before ";
  JsonWriter{out}.begin_object().key("ts").integer(60).key("name").string("a\"b").end_object();
  EXPECT_EQ(out, R"(before {"ts":60,"name":"a\"b"})");
}

TEST(JsonWriterTest, NestsObjectsAndPutsCommasWhereTheyBelong) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_object().key("a").begin_object().end_object();
              json.key("b").begin_object().key("c").boolean(true).key("d").null().end_object();
              json.key("e").boolean(false).end_object();
            }),
            R"({"a":{},"b":{"c":true,"d":null},"e":false})");
}

TEST(JsonWriterTest, WritesArraysOfValuesObjectsAndArrays) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_object().key("a").begin_array().element().integer(1).element().string("b");
              json.element().begin_object().key("c").null().end_object();
              json.element().begin_array().end_array().end_array().key("d").null().end_object();
            }),
            R"({"a":[1,"b",{"c":null},[]],"d":null})");
}

TEST(JsonWriterTest, EscapesWhatJsonWantsEscaped) {
  EXPECT_EQ(as_string("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(as_string(std::string_view("\0\x1f\x7f/", 4)), "\"\\u0000\\u001f\x7f/\"");
  EXPECT_EQ(as_string("Он звал \xF0\x9F\x98\x80"), "\"Он звал \xF0\x9F\x98\x80\"");
  EXPECT_EQ(as_string(""), "\"\"");
  EXPECT_EQ(
      written([](JsonWriter& json) { json.begin_object().key("a\"\n").integer(1).end_object(); }),
      R"({"a\"\n":1})");
}

TEST(JsonWriterTest, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(as_string("a\xFF\"\xD0\x9E\xD0"), "\"a\xEF\xBF\xBD\\\"\xD0\x9E\xEF\xBF\xBD\"");
}

TEST(JsonWriterTest, WhateverTheTextIsTheResultIsJson) {
  constexpr std::uint64_t kSeed = 11;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random{kSeed};
  simdjson::dom::parser parser;
  for (int i = 0; i < 5'000; ++i) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = static_cast<char>(random() % (i % 2 == 0 ? 256 : 128));
    const std::string json = as_string(text);
    std::string_view back;
    ASSERT_EQ(parser.parse(json).get(back), simdjson::SUCCESS) << json;
    if (simdjson::validate_utf8(text)) {
      ASSERT_EQ(back, text);
    }
  }
}

TEST(JsonWriterTest, WritesIntegersOfEveryType) {
  EXPECT_EQ(
      written([](JsonWriter& json) { json.integer(std::numeric_limits<std::int64_t>::min()); }),
      "-9223372036854775808");
  EXPECT_EQ(
      written([](JsonWriter& json) { json.integer(std::numeric_limits<std::uint64_t>::max()); }),
      "18446744073709551615");
  EXPECT_EQ(written([](JsonWriter& json) { json.integer(std::int8_t{-5}); }), "-5");
  EXPECT_EQ(written([](JsonWriter& json) { json.integer(std::uint8_t{65}); }), "65");
}

TEST(JsonWriterTest, WritesDoublesShortestOrWithFixedDecimals) {
  EXPECT_EQ(written([](JsonWriter& json) { json.number(0.1); }), "0.1");
  EXPECT_EQ(written([](JsonWriter& json) { json.number(1.0 / 3); }), "0.3333333333333333");
  EXPECT_EQ(written([](JsonWriter& json) { json.number(1e300); }), "1e+300");
  EXPECT_EQ(written([](JsonWriter& json) { json.number(19.049, 2); }), "19.05");
  EXPECT_EQ(written([](JsonWriter& json) { json.number(19, 2); }), "19.00");
  EXPECT_EQ(written([](JsonWriter& json) { json.number(2.5, 0); }), "2");
}

TEST(JsonWriterTest, NumbersThatJsonDoesNotHaveAreNull) {
  EXPECT_EQ(
      written([](JsonWriter& json) { json.number(std::numeric_limits<double>::quiet_NaN()); }),
      "null");
  EXPECT_EQ(
      written([](JsonWriter& json) { json.number(-std::numeric_limits<double>::infinity(), 2); }),
      "null");
}

}  // namespace
}  // namespace millrace
