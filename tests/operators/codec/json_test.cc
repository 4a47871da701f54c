#include "millrace/operators/codec/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "millrace/tests/operators/codec/codec_values.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::sys_seconds;
using std::chrono::sys_time;

using codec_test::Decoded;
using codec_test::Everything;
using codec_test::extremes;
using codec_test::Frame;
using codec_test::One;
using codec_test::Partial;

auto frames() { return json<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid)); }

static_assert(DecodingCodec<decltype(frames())> && EncodingCodec<decltype(frames())>);

auto read(std::string_view text) { return Decoded<decltype(frames())>{frames(), text}; }

std::string summary(std::string_view text, bool strict = false) {
  return codec_test::summary(strict ? frames().strict() : frames(), text);
}

TEST(JsonTest, FindsRootFieldsInAnyOrder) {
  EXPECT_EQ(summary(R"({"ts":1468244384,"uid":"ac7a"})"), "1468244384 ac7a");
  EXPECT_EQ(summary(R"({"uid":"ac7a","ts":1468244384})"), "1468244384 ac7a");
  EXPECT_EQ(summary("\t{ \"x\" : [1, {\"uid\": 7}] ,\r\n\"uid\" : \"ac7a\" , \"ts\" : 5 }\r\n"),
            "5 ac7a");
}

TEST(JsonTest, LooksAtRootFieldsOnly) {
  EXPECT_EQ(
      summary(R"({"a":{"ts":1,"uid":"decoy","b":[{"uid":"x"}]},"ts":2,"uid":"u","c":{"ts":3}})"),
      "2 u");
  EXPECT_EQ(summary(R"({"a":{"ts":1,"uid":"decoy"},"ts":2})"), "field-missing uid");
  EXPECT_EQ(summary(R"({"uid2":"x","uidx":1,"ui":2,"t":3,"ts":2,"uid":"u"})"), "2 u");
}

TEST(JsonTest, FirstOfTwoKeysWins) {
  EXPECT_EQ(summary(R"({"ts":1,"ts":2,"uid":"a","uid":"b"})"), "1 a");
  EXPECT_EQ(summary(R"({"ts":1,"ts":"not a time","ts":null,"uid":"a"})"), "1 a");
  EXPECT_EQ(summary(R"({"ts":"not a time","ts":1,"uid":"a"})"), "field-wrong-type ts");
}

TEST(JsonTest, IntegersAreNumbersOrStringsOfDigits) {
  EXPECT_EQ(summary(R"({"ts":"1468244384","uid":"a"})"), "1468244384 a");
  EXPECT_EQ(summary(R"({"ts":"\u0031\u0034","uid":"a"})"), "14 a");
  EXPECT_EQ(summary(R"({"ts":0,"uid":"a"})"), "0 a");
  EXPECT_EQ(summary(R"({"ts":-0,"uid":"a"})"), "0 a");
  for (const std::string_view wrong : {R"("")", R"("x")", R"(" 1")", R"("1 ")", R"("0x1")",
                                       R"("007")", R"("+1")", "true", "[1]", "{}"})
    EXPECT_EQ(summary(R"({"ts":)" + std::string{wrong} + R"(,"uid":"a"})"), "field-wrong-type ts")
        << wrong;
}

TEST(JsonTest, TellsErrorsApart) {
  EXPECT_EQ(summary(""), "empty");
  EXPECT_EQ(summary({}), "empty");
  EXPECT_EQ(summary(" \r"), "malformed");
  EXPECT_EQ(summary("not json"), "malformed");
  EXPECT_EQ(summary("[1,2,{}]"), "root-not-object");
  EXPECT_EQ(summary(" 5 "), "root-not-object");
  EXPECT_EQ(summary("\"text\""), "root-not-object");
  EXPECT_EQ(summary("[1,2"), "malformed");
  EXPECT_EQ(summary("{}"), "field-missing ts");
  EXPECT_EQ(summary(R"({"uid":"a"})"), "field-missing ts");
  EXPECT_EQ(summary(R"({"ts":1})"), "field-missing uid");
  EXPECT_EQ(summary(R"({"ts":null,"uid":"a"})"), "field-null ts");
  EXPECT_EQ(summary(R"({"ts":1,"uid":null})"), "field-null uid");
  EXPECT_EQ(summary(R"({"ts":1,"uid":7})"), "field-wrong-type uid");
  EXPECT_EQ(summary(R"({"ts":1,"uid":{"uid":"a"}})"), "field-wrong-type uid");
  EXPECT_EQ(summary(R"({"ts":-1,"uid":"a"})"), "field-negative ts");
  EXPECT_EQ(summary(R"({"ts":"-99999999999999999999","uid":"a"})"), "field-negative ts");
  EXPECT_EQ(summary(R"({"ts":1.0,"uid":"a"})"), "field-fractional ts");
  EXPECT_EQ(summary(R"({"ts":1e9,"uid":"a"})"), "field-fractional ts");
  EXPECT_EQ(summary(R"({"ts":"1.5","uid":"a"})"), "field-fractional ts");
  EXPECT_EQ(summary(R"({"ts":253402300799,"uid":"a"})"), "253402300799 a");
  EXPECT_EQ(summary(R"({"ts":253402300800,"uid":"a"})"), "field-out-of-range ts");
  EXPECT_EQ(summary(R"({"ts":99999999999999999999,"uid":"a"})"), "field-out-of-range ts");
  EXPECT_EQ(summary("{\"ts\":1,\"uid\":\"a\xFF\"}"), "field-invalid-utf8 uid");
  EXPECT_EQ(summary(R"({"ts":1,"uid":"\ud83d"})"), "field-invalid-utf8 uid");
  EXPECT_EQ(summary(R"({"ts":1,"uid":"\udc00\ud83d"})"), "field-invalid-utf8 uid");
  EXPECT_EQ(summary(R"({"ts":1,"uid":"\x"})"), "malformed uid");
  EXPECT_EQ(summary(R"({"ts":1,"uid":"\u12g4"})"), "malformed uid");
  EXPECT_EQ(summary("{\"ts\":1,\"uid\":\"a\nb\"}"), "malformed uid");
  EXPECT_EQ(summary("{\"ts\":1,\"uid\":\"a"), "malformed uid");
  for (const std::string_view wrong :
       {"01", "1x", "-", "1.", "1.e5", "1e", ".5", "+1", "tru", "nul", "nan", "'1'", "1\"\"", ""})
    EXPECT_EQ(summary(R"({"ts":)" + std::string{wrong} + R"(,"uid":"a"})"), "malformed ts")
        << wrong;
}

TEST(JsonTest, RecordCutBeforeTheEndOfItsLastBoundFieldIsBad) {
  const std::string text = R"({"a":[1,"]"],"uid":"ac7a","ts":1468244384 ,"z":[true]})";
  const std::size_t needed = text.find(" ,");
  for (std::size_t length = 1; length <= text.size(); ++length) {
    const bool good = length > needed;
    EXPECT_EQ(summary(text.substr(0, length)) == "1468244384 ac7a", good) << text.substr(0, length);
  }
}

TEST(JsonTest, WhatFollowsTheLastBoundFieldIsNotJudged) {
  const std::string good = R"({"uid":"a","ts":5)";
  for (const std::string_view rest : {"}", ",}", ",\"x\":\"\xFF\"}", ",\"x\":\"open", " nonsense",
                                      ",\"x\":[1}", "}}", "} x", ",\"x\":\"\n\"}", "\n"})
    EXPECT_EQ(summary(good + std::string{rest}), "5 a") << rest;
}

TEST(JsonTest, ErrorsBeforeTheLastBoundFieldAreFound) {
  for (const std::string_view before :
       {"\"x\":\"\xFF\",", "\"x\":\"\n\",", "\"x\":tru,", "\"x\":01,", "\"x\":1 2,", "\"x\" 1,",
        "x:1,", "1:1,", "\"x\":,", ",", "\"x\":1,,", "\"x\":1\"y\",", "\"\xFF\":1,", "\"x\":-,",
        "\"x\":[1}x,"})
    EXPECT_THAT(summary("{\"uid\":\"a\"," + std::string{before} + "\"ts\":5}"),
                testing::StartsWith("malformed"))
        << before;
}

TEST(JsonTest, StrictJudgesTheWholeDocument) {
  EXPECT_EQ(summary(R"({"x":[1,{"a":null}],"uid":"a","ts":5,"y":-1.5e3,"z":"\n"})", true), "5 a");
  EXPECT_EQ(summary(" {\"uid\":\"a\",\"ts\":5}\r\n", true), "5 a");
  const std::string good = R"({"uid":"a","ts":5)";
  for (const std::string_view rest :
       {",}", ",\"x\":\"\xFF\"}", ",\"x\":\"open", " nonsense", ",\"x\":[1}", "}}", "} x",
        ",\"x\":\"\n\"}", "\n", ",\"x\":[1,]}", ",\"x\":\"\\q\"}", ",\"x\":{\"a\":1]}",
        ",\"x\":{\"a\"}}", ",\"x\":[1 2]}", ",\"x\":01}"})
    EXPECT_EQ(summary(good + std::string{rest}, true), "malformed") << rest;
  EXPECT_EQ(summary(R"({"uid":"a","ts":5,"ts":"x"})", true), "5 a") << "still the first";
  EXPECT_EQ(summary(R"({"uid":"a"})", true), "field-missing ts");
}

TEST(JsonTest, EscapedKeysAreTheSameKeys) {
  EXPECT_EQ(summary(R"({"\u0075id":"a","\u0074\u0073":5})"), "5 a");
  EXPECT_EQ(summary(R"({"u\u0069d":"a","u\u0069\u0064":"b","ts":5})"), "5 a");
  EXPECT_EQ(summary(R"({"uid\u0000":"x","uid\n":"y","ui\u0064x":1,"\u00fcid":2,"uid":"a","ts":5})"),
            "5 a");
  struct Odd {
    std::string_view value;
  };
  for (const auto& [name, key] :
       std::vector<std::pair<std::string, std::string>>{{"a\"b", R"(a\"b)"},
                                                        {"a\\b", R"(a\\b)"},
                                                        {"ключ", R"(\u043a\u043b\u044e\u0447)"},
                                                        {"\xF0\x9F\x98\x80", R"(\ud83d\ude00)"},
                                                        {"", ""},
                                                        {"a/b", R"(a\/b)"}}) {
    const Decoded odd{json<Odd>(field(name, &Odd::value)),
                      R"({"a":"","ab":"",")" + key + R"(":"found"})"};
    EXPECT_TRUE(odd.outcome.ok()) << key;
    EXPECT_EQ(odd.value.value, "found");
  }
}

TEST(JsonTest, EscapesInStringsAreResolved) {
  EXPECT_EQ(summary(R"({"ts":5,"uid":"\u0061\"\\\/\b\f\n\r\t\u044e\ud83d\ude00z"})"),
            "5 a\"\\/\b\f\n\r\tю\xF0\x9F\x98\x80z");
  EXPECT_EQ(summary(R"({"ts":5,"uid":"\\"})"), "5 \\");
  EXPECT_EQ(summary(R"({"ts":5,"uid":""})"), "5 ");
}

TEST(JsonTest, PlainStringsAreViewsIntoTheRecordAndEscapedOnesIntoTheArena) {
  const auto inside = [](std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() < whole.data() + whole.size();
  };
  const auto plain = read(R"({"ts":5,"uid":"plain"})");
  EXPECT_TRUE(inside(plain.value.uid, plain.record().value));
  const auto escaped = read(R"({"ts":5,"uid":"\u0065scaped"})");
  EXPECT_FALSE(inside(escaped.value.uid, escaped.record().value));
}

TEST(JsonTest, ValuesOfABatchLiveUntilItsReset) {
  auto codec = frames();
  RecordBatch batch;
  for (int i = 0; i < 1'000; ++i)
    batch.append({}, R"({"ts":5,"uid":"\u0075ser )" + std::to_string(i) + "\"}", i, 0);
  std::vector<Frame> values(1'000);
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_TRUE(codec.decode(batch.records()[i], batch.arena(), values[i]).ok());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(values[i].uid, "user " + std::to_string(i));
}

TEST(JsonTest, AnyNestingAndFramesOfAMebibyteAreLegal) {
  for (const std::size_t depth : {10u, 1'500u, 400'000u}) {
    const std::string nested = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_EQ(summary(R"({"x":)" + nested + R"(,"uid":"a","ts":5})"), "5 a") << depth;
    EXPECT_EQ(summary(R"({"x":)" + nested + R"(,"uid":"a","ts":5})", true), "5 a") << depth;
    EXPECT_EQ(summary(R"({"uid":"a","ts":5,"x":)" + nested), "5 a") << depth;
  }
  EXPECT_EQ(summary(R"({"x":")" + std::string(1 << 20, 'x') + R"(","uid":"a","ts":5})"), "5 a");
  EXPECT_EQ(summary(R"({"ts":5,"uid":")" + std::string(1 << 20, 'x') + R"("})"),
            "5 " + std::string(1 << 20, 'x'));
}

auto everything() {
  return codec_test::bind_everything(
      [](auto... fields) { return json<Everything>(std::move(fields)...); });
}

TEST(JsonTest, EveryTypeComesBackAsItWasWritten) {
  for (const Everything& value : {extremes(), Everything{}}) {
    std::string encoded;
    everything().encode(value, encoded);
    const Decoded decoded{everything(), encoded};
    ASSERT_TRUE(decoded.outcome.ok())
        << to_string(decoded.outcome.error) << ' ' << decoded.outcome.field << ' ' << encoded;
    EXPECT_EQ(decoded.value, value) << encoded;
  }
}

TEST(JsonTest, EncodesCompactlyInTheOrderOfBindingWithoutEmptyOptionals) {
  std::string out = "> ";
  frames().encode({sys_seconds{std::chrono::seconds{60}}, "a\"b"}, out);
  EXPECT_EQ(out, R"(> {"ts":60,"uid":"a\"b"})");
  out.clear();
  everything().encode({}, out);
  EXPECT_EQ(out, R"({"view":"","text":"","i8":0,"u8":0,"i64":0,"u64":0,"number":0,)"
                 R"("flag":false,"at":0,"at_ms":0})");
}

template <class M>
std::string outcome_of(std::string_view value) {
  const Decoded one{json<One<M>>(field("m", &One<M>::member)),
                    "{\"m\":" + std::string{value} + "}"};
  return std::string{to_string(one.outcome.error)};
}

TEST(JsonTest, IntegersMustFitTheirType) {
  EXPECT_EQ(outcome_of<std::int8_t>("-128"), "none");
  EXPECT_EQ(outcome_of<std::int8_t>("-129"), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::int8_t>("\"128\""), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::uint8_t>("255"), "none");
  EXPECT_EQ(outcome_of<std::uint8_t>("256"), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::uint8_t>("-1"), "field-negative");
  EXPECT_EQ(outcome_of<std::int64_t>("-9223372036854775808"), "none");
  EXPECT_EQ(outcome_of<std::int64_t>("-9223372036854775809"), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::int64_t>("-99999999999999999999999"), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::int64_t>("9223372036854775808"), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::uint64_t>("18446744073709551615"), "none");
  EXPECT_EQ(outcome_of<std::uint64_t>("18446744073709551616"), "field-out-of-range");
  EXPECT_EQ(outcome_of<sys_time<milliseconds>>("253402300799999"), "none");
  EXPECT_EQ(outcome_of<sys_time<milliseconds>>("253402300800000"), "field-out-of-range");
  EXPECT_EQ(outcome_of<sys_time<milliseconds>>("-1"), "field-negative");
}

TEST(JsonTest, DoublesAndBooleansTakeTheirOwnTypeOnly) {
  EXPECT_EQ(outcome_of<double>("1"), "none");
  EXPECT_EQ(outcome_of<double>("-1.5e-3"), "none");
  EXPECT_EQ(outcome_of<double>("1e999"), "field-out-of-range");
  EXPECT_EQ(outcome_of<double>("\"1\""), "field-wrong-type");
  EXPECT_EQ(outcome_of<double>("true"), "field-wrong-type");
  EXPECT_EQ(outcome_of<double>("1.5.5"), "malformed");
  EXPECT_EQ(outcome_of<bool>("true"), "none");
  EXPECT_EQ(outcome_of<bool>("false"), "none");
  EXPECT_EQ(outcome_of<bool>("truex"), "malformed");
  EXPECT_EQ(outcome_of<bool>("1"), "field-wrong-type");
  EXPECT_EQ(outcome_of<bool>("null"), "field-null");
  EXPECT_EQ(outcome_of<std::string>("1"), "field-wrong-type");
}

std::string partial(std::string_view text) {
  const Decoded decoded{json<Partial>(field("level", &Partial::level), field("uid", &Partial::uid)),
                        text};
  if (!decoded.outcome.ok()) return std::string{to_string(decoded.outcome.error)};
  return std::string{decoded.value.uid} +
         (decoded.value.level ? " " + std::to_string(*decoded.value.level) : "");
}

TEST(JsonTest, OptionalFieldsMayBeMissingOrNullButNotOfAnotherType) {
  EXPECT_EQ(partial(R"({"uid":"a"})"), "a");
  EXPECT_EQ(partial(R"({"uid":"a","level":null})"), "a");
  EXPECT_EQ(partial(R"({"uid":"a","level":3})"), "a 3");
  EXPECT_EQ(partial(R"({"level":3,"uid":"a"})"), "a 3");
  EXPECT_EQ(partial(R"({"uid":"a","level":"x"})"), "field-wrong-type");
  EXPECT_EQ(partial(R"({"uid":"a","level":1.5})"), "field-fractional");
  EXPECT_EQ(partial(R"({"level":3})"), "field-missing");
}

TEST(JsonTest, ErrorsEndTheSearchForOptionalFieldsOnly) {
  EXPECT_EQ(partial(R"({"uid":"a","x":tru,"level":3})"), "a");
  EXPECT_EQ(partial(R"({"uid":"a","level":tru})"), "a");
  EXPECT_EQ(partial(R"({"uid":"a","level":3)"), "a") << "the number may have been cut";
  EXPECT_EQ(partial(R"({"x":tru,"uid":"a"})"), "malformed");
}

TEST(JsonTest, DescribesItsFields) {
  EXPECT_EQ(frames().describe(), "json(ts, uid)");
  EXPECT_EQ(frames().strict().describe(), "json(ts, uid).strict()");
}

TEST(JsonTest, FieldsOfABaseClassCanBeBound) {
  struct Derived : Frame {
    bool flag = false;
  };
  const Decoded derived{json<Derived>(field("uid", &Derived::uid), field("flag", &Derived::flag)),
                        R"({"flag":true,"uid":"a"})"};
  EXPECT_TRUE(derived.outcome.ok());
  EXPECT_EQ(derived.value.uid, "a");
  EXPECT_TRUE(derived.value.flag);
}

TEST(JsonTest, CopiesDoNotShareAParser) {
  auto first = frames();
  auto second = first;
  RecordBatch batch;
  batch.append({}, R"({"ts":1,"uid":"one"})", 0, 0);
  batch.append({}, R"({"ts":2,"uid":"two"})", 1, 0);
  Frame one, two;
  EXPECT_TRUE(first.decode(batch.records()[0], batch.arena(), one).ok());
  EXPECT_TRUE(second.decode(batch.records()[1], batch.arena(), two).ok());
  EXPECT_EQ(one.uid, "one");
  EXPECT_EQ(two.uid, "two");
}

TEST(JsonTest, DoesNotAllocateAfterWarmUp) {
  RecordBatch batch;
  for (int i = 0; i < 200; ++i) {
    const std::string uid =
        "\"\\u0075ser with a name longer than a short string " + std::to_string(i) + "\"";
    batch.append({},
                 R"({"x":)" + std::string(1 + i % 20, '[') + std::string(1 + i % 20, ']') +
                     R"(,"uid":)" + uid + R"(,"ts":"5"})",
                 i, 0);
    batch.append({}, R"({"ts":5,"uid":)" + uid + ",\"x\":\"\xFF", i, 0);
    batch.append({}, R"({"ts":5,"uid":null})", i, 0);
    batch.append({}, "not json", i, 0);
  }
  codec_test::expect_no_allocation(frames(), batch, 400);
}

}  // namespace
}  // namespace millrace
