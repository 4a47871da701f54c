#include "millrace/operators/codec/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "millrace/tests/operators/codec/codec_values.h"

namespace millrace {
namespace {

using codec_test::Decoded;
using codec_test::Everything;
using codec_test::Frame;
using codec_test::One;
using codec_test::Partial;

auto frames() { return csv<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid)); }
auto framed(CsvOptions options) {
  return csv<Frame>(std::move(options), field("ts", &Frame::ts), field("uid", &Frame::uid));
}

static_assert(DecodingCodec<decltype(frames())> && EncodingCodec<decltype(frames())>);

std::string summary(std::string_view text) { return codec_test::summary(frames(), text); }
std::string strict(std::string_view text) { return codec_test::summary(frames().strict(), text); }

TEST(CsvTest, WithoutAHeaderTheFirstColumnsAreTheFieldsBound) {
  EXPECT_EQ(summary("1468244384,ac7a"), "1468244384 ac7a");
  EXPECT_EQ(summary("1468244384,ac7a,more,\"and more\""), "1468244384 ac7a");
}

TEST(CsvTest, AHeaderSaysWhereTheFieldsStand) {
  const auto by = [](std::string header, std::string_view text) {
    return codec_test::summary(framed({.header = std::move(header)}), text);
  };
  EXPECT_EQ(by("id,uid,page,ts", "7,ac7a,\"a,b\",5"), "5 ac7a");
  EXPECT_EQ(by("ts,,uid", "5,x,ac7a"), "5 ac7a");
  EXPECT_EQ(by("ts,uid,ts,uid", "1,a,2,b"), "1 a") << "the first of equal names";
  EXPECT_EQ(by("\"a,\"\"b\"\"\",uid,ts\r\n", "x,ac7a,5"), "5 ac7a");
  EXPECT_EQ(by("id,uid,page,ts", "7,ac7a"), "field-missing ts");
}

TEST(CsvTest, NamesOfColumnsAreThoseOfTheHeader) {
  EXPECT_THAT(csv_column_names({.header = "a;\"b;\"\"c\"\"\";;d\n", .separator = ';'}),
              testing::ElementsAre("a", "b;\"c\"", "", "d"));
  EXPECT_THAT(csv_column_names({.header = "\"a"}), testing::IsEmpty());
  EXPECT_THAT(csv_column_names({}), testing::IsEmpty());
}

TEST(CsvTest, TheSeparatorIsAChoice) {
  for (const char separator : {';', '\t', '|', '\x1f', '\0'}) {
    const auto codec = framed({.separator = separator});
    EXPECT_EQ(codec_test::summary(codec, std::string{"5"} + separator + "a,b"), "5 a,b");
    std::string out;
    codec.encode({codec_test::seconds(5), std::string{"a,"} + separator}, out);
    EXPECT_EQ(codec_test::summary(codec, out), std::string{"5 a,"} + separator);
  }
}

TEST(CsvTest, QuotesHoldSeparatorsQuotesAndLineBreaks) {
  EXPECT_EQ(summary("\"5\",\"a,b\""), "5 a,b");
  EXPECT_EQ(summary("5,\"a\"\"b\""), "5 a\"b");
  EXPECT_EQ(summary("5,\"\"\"\""), "5 \"");
  EXPECT_EQ(summary("5,\"\"\"\"\"\""), "5 \"\"");
  EXPECT_EQ(summary("5,\"a\r\nb\"\r\n"), "5 a\r\nb");
  EXPECT_EQ(summary("5,\"\""), "5 ") << "an empty text, not null";
  EXPECT_EQ(summary("5, a "), "5  a ") << "space is part of a column";
}

TEST(CsvTest, ALineEndMayCloseTheRecord) {
  for (const std::string_view end : {"", "\n", "\r\n", "\r"})
    EXPECT_EQ(summary("5,a" + std::string{end}), "5 a");
  for (const std::string_view text : {"", "\n", "\r\n", "\r"}) EXPECT_EQ(summary(text), "empty");
}

TEST(CsvTest, TellsErrorsApart) {
  EXPECT_EQ(summary({}), "empty");
  EXPECT_EQ(summary("5"), "field-missing uid");
  EXPECT_EQ(summary(","), "field-null ts");
  EXPECT_EQ(summary(",a"), "field-null ts");
  EXPECT_EQ(summary("5,"), "field-null uid");
  EXPECT_EQ(summary("\"\",a"), "field-wrong-type ts");
  EXPECT_EQ(summary("-1,a"), "field-negative ts");
  EXPECT_EQ(summary("1.5,a"), "field-fractional ts");
  EXPECT_EQ(summary("1e9,a"), "field-fractional ts");
  EXPECT_EQ(summary("253402300799,a"), "253402300799 a");
  EXPECT_EQ(summary("253402300800,a"), "field-out-of-range ts");
  EXPECT_EQ(summary("99999999999999999999,a"), "field-out-of-range ts");
  for (const std::string_view wrong : {"x", " 1", "1 ", "0x1", "007", "+1", "1x", "-", "true"})
    EXPECT_EQ(summary(std::string{wrong} + ",a"), "field-wrong-type ts") << wrong;
  EXPECT_EQ(summary("1,a\xFF"), "field-invalid-utf8 uid");
  EXPECT_EQ(summary("1,\"a\xFF\""), "field-invalid-utf8 uid");
  for (const std::string_view broken :
       {"a\"b", "\"a", "\"", "\"a\"b", "\"a\" ", "\"\"\"", "a\nb", "a\r\r\nb", "\"a\"\n,x"})
    EXPECT_EQ(summary("1," + std::string{broken}), "malformed uid") << broken;
}

TEST(CsvTest, WhatFollowsTheLastBoundFieldIsNotJudged) {
  for (const std::string_view rest : {",\"open", ",a\"b", ",\xFF", ",a\nb", ",\"a\"b", ",,,"})
    EXPECT_EQ(summary("5,a" + std::string{rest}), "5 a") << rest;
}

TEST(CsvTest, OfColumnsBeforeItOnlyTheQuotesAreJudged) {
  const auto codec = framed({.header = "x,ts,uid"});
  for (const std::string_view before : {"", "a\"b", "\xFF", "a\nb", "\"a,\"\"b\"\"\""})
    EXPECT_EQ(codec_test::summary(codec, std::string{before} + ",5,a"), "5 a") << before;
  for (const std::string_view before : {"\"a", "\"a\"b", "\""})
    EXPECT_EQ(codec_test::summary(codec, std::string{before} + ",5,a"), "malformed") << before;
}

TEST(CsvTest, StrictJudgesTheWholeRecordAndCountsItsColumns) {
  EXPECT_EQ(strict("5,a\r\n"), "5 a");
  for (const std::string_view rest : {",", ",b", "\n\n"})
    EXPECT_THAT(strict("5,a" + std::string{rest}), testing::StartsWith("malformed")) << rest;
  EXPECT_EQ(strict("5"), "field-missing uid");
  const auto codec = framed({.header = "x,ts,uid,y"}).strict();
  EXPECT_EQ(codec_test::summary(codec, "\"a\nb\",5,a,"), "5 a");
  for (const std::string_view wrong : {"a\"b,5,a,", "a\nb,5,a,", "\xFF,5,a,", "x,5,a,\"open",
                                       "x,5,a,a\"b", "x,5,a,\xFF", "x,5,a", "x,5,a,y,"})
    EXPECT_EQ(codec_test::summary(codec, wrong), "malformed") << wrong;
}

TEST(CsvTest, OnlyTextsWithDoubledQuotesAreCopied) {
  const auto inside = [](std::string_view text) {
    const Decoded decoded{frames(), text};
    const std::string_view whole = decoded.record().value;
    const char* const at = decoded.value.uid.data();
    return at >= whole.data() && at < whole.data() + whole.size();
  };
  EXPECT_TRUE(inside("5,plain"));
  EXPECT_TRUE(inside("5,\"quoted\""));
  EXPECT_FALSE(inside("5,\"dou\"\"bled\""));
}

TEST(CsvTest, EveryTypeComesBackAsItWasWritten) {
  const auto codec = codec_test::bind_everything(
      [](auto... fields) { return csv<Everything>(std::move(fields)...); });
  for (const Everything& value : {codec_test::extremes(), Everything{}}) {
    std::string encoded;
    codec.encode(value, encoded);
    const Decoded decoded{codec.strict(), encoded};
    ASSERT_TRUE(decoded.outcome.ok())
        << to_string(decoded.outcome.error) << ' ' << decoded.outcome.field << ' ' << encoded;
    EXPECT_EQ(decoded.value, value) << encoded;
  }
}

TEST(CsvTest, EncodesAllColumnsOfTheHeader) {
  std::string out = "> ";
  framed({.header = "uid,page,ts,x"}).encode({codec_test::seconds(60), "a\"b"}, out);
  EXPECT_EQ(out, "> \"a\"\"b\",,60,");
  out.clear();
  csv<Partial>(field("level", &Partial::level), field("uid", &Partial::uid))
      .encode({"", std::nullopt}, out);
  EXPECT_EQ(out, ",\"\"");
}

TEST(CsvTest, DoublesAndBooleansAreWritten) {
  const auto outcome_of = [](auto codec, std::string_view text) {
    return std::string{to_string(Decoded{codec, text}.outcome.error)};
  };
  const auto number = csv<One<double>>(field("m", &One<double>::member));
  for (const std::string_view good : {"1", "-1.5e-3", "\"0.1\""})
    EXPECT_EQ(outcome_of(number, good), "none") << good;
  for (const std::string_view wrong : {"nan", "inf", "1.5.5", ".5", "0x1p3", "true"})
    EXPECT_EQ(outcome_of(number, wrong), "field-wrong-type") << wrong;
  EXPECT_EQ(outcome_of(number, "1e999"), "field-out-of-range");
  const auto flag = csv<One<bool>>(field("m", &One<bool>::member));
  EXPECT_EQ(outcome_of(flag, "true"), "none");
  EXPECT_EQ(outcome_of(flag, "false"), "none");
  for (const std::string_view wrong : {"True", "1", "truex"})
    EXPECT_EQ(outcome_of(flag, wrong), "field-wrong-type") << wrong;
  std::string out;
  number.encode({std::numeric_limits<double>::infinity()}, out);
  EXPECT_EQ(out, "");
}

TEST(CsvTest, OptionalColumnsMayBeEmptyOrMissing) {
  const auto partial = [](std::string_view text) {
    const Decoded decoded{
        csv<Partial>(field("uid", &Partial::uid), field("level", &Partial::level)), text};
    if (!decoded.outcome.ok()) return std::string{to_string(decoded.outcome.error)};
    return std::string{decoded.value.uid} +
           (decoded.value.level ? " " + std::to_string(*decoded.value.level) : "");
  };
  EXPECT_EQ(partial("a"), "a");
  EXPECT_EQ(partial("a,"), "a");
  EXPECT_EQ(partial("a,3"), "a 3");
  EXPECT_EQ(partial("a,x"), "field-wrong-type");
  EXPECT_EQ(partial("a,\"3"), "a") << "an error ends only the search";
  EXPECT_EQ(partial(",3"), "field-null");
}

/// Writes a column in one of the ways that RFC 4180 allows.
std::string column(std::string_view text, std::mt19937_64& random) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos && random() % 3 != 0)
    return std::string{text};
  std::string quoted{"\""};
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string random_text(std::mt19937_64& random) {
  std::string text;
  for (std::size_t left = random() % 12; left > 0; --left)
    text += std::vector<std::string_view>{"a", "\"", ",", "\n", "\r", "ю", " ", "7"}[random() % 8];
  return text;
}

TEST(CsvTest, ReadsWhatAnIndependentWriterWrites) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    std::mt19937_64 random{seed};
    const std::string uid = random_text(random);
    const std::string ts = std::to_string(random() % 253'402'300'800);
    const std::size_t ts_at = random() % 4, uid_at = (ts_at + 1 + random() % 3) % 4;
    std::string header, record;
    for (std::size_t i = 0; i < 4; ++i) {
      header += std::string{i > 0 ? "," : ""} + (i == ts_at ? "ts" : i == uid_at ? "uid" : "x");
      const std::string text = i == ts_at ? ts : i == uid_at ? uid : random_text(random);
      record += (i > 0 ? "," : "") + column(text, random);
    }
    if (random() % 2 == 0) record += "\r\n";
    ASSERT_EQ(codec_test::summary(framed({.header = header}).strict(), record), ts + " " + uid)
        << "seed " << seed << ": " << header << " | " << record;
  }
}

TEST(CsvTest, NothingButTheRecordDecides) {
  const std::string whole = "\"x,\"\"y\"\"\",1468244384,\"a\"\"b\",z";
  const auto codec = framed({.header = "x,ts,uid,z"});
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::vector<std::string> found = codec_test::summaries_of_cut(codec, whole, length);
    EXPECT_THAT(found, testing::Each(found.front())) << length;
    EXPECT_EQ(found.front() == "1468244384 a\"b", length + 2 >= whole.size()) << length;
  }
}

TEST(CsvTest, AnyBytesAreReadOrRefused) {
  static constexpr std::string_view kBytes = "\",\n\r0179-.x\xFF\xD1";
  int good = 0;
  for (std::uint64_t seed = 1; seed <= 50'000; ++seed) {
    std::mt19937_64 random{seed};
    std::string text(random() % 24, ' ');
    for (char& c : text) c = kBytes[random() % kBytes.size()];
    const std::string lenient = summary(text);
    const std::string whole = strict(text);
    // What is good as a whole is good, and says the same.
    if (whole.find_first_of("0123456789") == 0) {
      ASSERT_EQ(whole, lenient) << seed;
    }
    good += lenient.find_first_of("0123456789") == 0 ? 1 : 0;
  }
  EXPECT_GT(good, 100);
}

TEST(CsvTest, DescribesItsFields) {
  EXPECT_EQ(frames().describe(), "csv(ts, uid)");
  EXPECT_EQ(frames().strict().describe(), "csv(ts, uid).strict()");
}

TEST(CsvTest, DoesNotAllocateAfterWarmUp) {
  RecordBatch batch;
  for (int i = 0; i < 200; ++i) {
    batch.append({}, "5,\"a \"\"name\"\" longer than a short string " + std::to_string(i) + "\"", i,
                 0);
    batch.append({}, "5,a name that is longer than a short string too, and more", i, 0);
    batch.append({}, "5,\xFF", i, 0);
    batch.append({}, "\"", i, 0);
  }
  codec_test::expect_no_allocation(frames(), batch, 400);
}

TEST(CsvDeathTest, RefusesHeadersAndSeparatorsThatCannotBeMeant) {
  EXPECT_DEATH(framed({.header = "ts,user"}), "each field bound is a column of the CSV header");
  EXPECT_DEATH(framed({.header = "ts,uid,\"x"}), "each field bound is a column of the CSV header");
  EXPECT_DEATH(framed({.separator = '"'}), "columns are separated by what no number holds");
  EXPECT_DEATH(framed({.separator = '1'}), "columns are separated by what no number holds");
}

}  // namespace
}  // namespace millrace
