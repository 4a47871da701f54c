#include "millrace/operators/codec/msgpack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "millrace/operators/codec/msgpack_value.h"
#include "millrace/tests/operators/codec/codec_values.h"
#include "millrace/tests/operators/codec/random_msgpack.h"

namespace millrace {
namespace {

using codec_test::Decoded;
using codec_test::Everything;
using codec_test::Frame;
using codec_test::One;
using codec_test::Partial;
using std::string_literals::operator""s;

auto frames() { return msgpack<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid)); }

static_assert(DecodingCodec<decltype(frames())> && EncodingCodec<decltype(frames())>);

std::string summary(std::string_view bytes) { return codec_test::summary(frames(), bytes); }
std::string strict(std::string_view bytes) { return codec_test::summary(frames().strict(), bytes); }

/// A map of so many pairs.
template <class... Parts>
std::string map_of(int pairs, const Parts&... parts) {
  std::string bytes{static_cast<char>(0x80 | pairs)};
  (bytes.append(parts), ...);
  return bytes;
}

const std::string kTs = "\xa2ts\x05";
const std::string kUid = "\xa3uid\xa1"s + "a";

TEST(MsgpackTest, FindsRootFieldsInAnyOrder) {
  EXPECT_EQ(summary(map_of(2, kTs, kUid)), "5 a");
  EXPECT_EQ(summary(map_of(2, kUid, kTs)), "5 a");
  EXPECT_EQ(summary(map_of(3, "\xa1x\x82\xa2ts\x07\xa3uid\xa1z"s, kUid, kTs)), "5 a");
  EXPECT_EQ(summary(map_of(3, kUid, kTs, "\xa2ts\x09")), "5 a") << "the first of equal keys";
}

TEST(MsgpackTest, KeysThatAreNoTextNameNoField) {
  for (const std::string& key : {"\x07"s, "\xc0"s, "\x92\xa2ts\xa3uid"s, "\xc4\x02ts"s, "\x80"s})
    EXPECT_EQ(summary(map_of(3, key, "\x09", kUid, kTs)), "5 a");
  EXPECT_EQ(summary(map_of(2, "\xc4\x02ts\x05"s, kUid)), "field-missing ts");
}

TEST(MsgpackTest, ReadsWhatAnotherLibraryWrites) {
  // msgpack-python 1.2.4, packb({"ts": 1468244384, "x": [1, -1, -33, -129, -40000,
  // -3000000000, 1.5, True, None, b"\0"], "uid": "дмитрий", "n": {"ts": 1}})
  const std::string bytes =
      "\x84\xa2ts\xce\x57\x83\xa1\xa0\xa1x\x9a\x01\xff\xd0\xdf\xd1\xff\x7f\xd2\xff\xff\x63\xc0"
      "\xd3\xff\xff\xff\xff\x4d\x2f\xa2\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xc3\xc0\xc4\x01\x00"
      "\xa3uid\xae\xd0\xb4\xd0\xbc\xd0\xb8\xd1\x82\xd1\x80\xd0\xb8\xd0\xb9\xa1n\x81\xa2ts\x01"s;
  EXPECT_EQ(summary(bytes), "1468244384 дмитрий");
  EXPECT_EQ(strict(bytes), "1468244384 дмитрий");
}

TEST(MsgpackTest, TellsErrorsApart) {
  EXPECT_EQ(summary({}), "empty");
  EXPECT_EQ(summary("\x90"), "root-not-object");
  EXPECT_EQ(summary("\xa5hello"), "root-not-object");
  EXPECT_EQ(summary("\xa5hell"), "malformed");
  EXPECT_EQ(summary("{\"ts\":5,\"uid\":\"a\"}"), "malformed") << "123, and more behind it";
  EXPECT_EQ(summary("\xc1"), "malformed");
  EXPECT_EQ(summary("\x80"), "field-missing ts");
  EXPECT_EQ(summary(map_of(1, kTs)), "field-missing uid");
  const auto ts = [](const std::string& value) {
    return summary(map_of(2, "\xa2ts", value, kUid));
  };
  EXPECT_EQ(ts("\xc0"), "field-null ts");
  EXPECT_EQ(ts("\xff"), "field-negative ts");
  EXPECT_EQ(ts("\xd0\x80"), "field-negative ts");
  EXPECT_EQ(ts("\xca\x3f\x80\x00\x00"s), "field-fractional ts") << "1.0, as in JSON";
  EXPECT_EQ(ts("\xcf\x00\x00\x00\x3a\xff\xf4\x41\x80"s), "field-out-of-range ts");
  EXPECT_EQ(ts("\xcf\x00\x00\x00\x3a\xff\xf4\x41\x7f"s), "253402300799 a");
  EXPECT_EQ(ts("\xa2\x31\x34"), "14 a") << "a text that is a number";
  EXPECT_EQ(ts("\xa3\x31.5"), "field-fractional ts");
  for (const std::string& wrong : {"\xa0"s, "\xa1x"s, "\xa2 1"s, "\xa3"s + "007", "\xc3"s,
                                   "\x91\x01"s, "\x80"s, "\xc4\x01\x31"s, "\xd4\xff\x01"s})
    EXPECT_EQ(ts(wrong), "field-wrong-type ts");
  EXPECT_EQ(ts("\xc1"), "malformed ts");
  const auto uid = [](const std::string& value) {
    return summary(map_of(2, kTs, "\xa3uid", value));
  };
  EXPECT_EQ(uid("\xc0"), "field-null uid");
  EXPECT_EQ(uid("\x07"), "field-wrong-type uid");
  EXPECT_EQ(uid("\xc4\x01"s + "a"), "field-wrong-type uid") << "binary is no text";
  EXPECT_EQ(uid("\xa1\xff"), "field-invalid-utf8 uid");
  EXPECT_EQ(uid("\xa2"s + "a"), "malformed uid");
  EXPECT_EQ(uid("\xa0"), "5 ");
}

TEST(MsgpackTest, EveryFirstByteIsAValueOrRefused) {
  for (int first = 0; first < 256; ++first) {
    // As a whole record, as a value that is skipped, and as the value of a field.
    const std::string byte(1, static_cast<char>(first));
    const std::string zeros(300, '\0');
    const char* cursor = byte.data();
    const MsgpackEnd alone = skip_msgpack(cursor, byte.data() + 1);
    const std::string longer = byte + zeros;
    cursor = longer.data();
    const MsgpackEnd padded = skip_msgpack(cursor, longer.data() + longer.size());
    const bool never_used = first == 0xc1;
    EXPECT_EQ(padded, never_used ? MsgpackEnd::kMalformed : MsgpackEnd::kComplete) << first;
    const bool complete = first < 0x80 || first == 0x80 || first == 0x90 || first == 0xa0 ||
                          first == 0xc0 || first == 0xc2 || first == 0xc3 || first >= 0xe0;
    EXPECT_EQ(alone, never_used ? MsgpackEnd::kMalformed
                     : complete ? MsgpackEnd::kComplete
                                : MsgpackEnd::kCutShort)
        << first;
    EXPECT_EQ(summary(map_of(3, "\xa1x", byte)).substr(0, 9), "malformed") << first;
    EXPECT_EQ(summary(map_of(2, kTs, "\xa3uid", byte)) == "5 ", first == 0xa0) << first;
  }
}

TEST(MsgpackTest, CountsAndLengthsAreNotBelieved) {
  for (const std::string& liar :
       {"\xdd\xff\xff\xff\xff"s, "\xdf\xff\xff\xff\xff"s, "\xdb\xff\xff\xff\xff"s,
        "\xc6\xff\xff\xff\xff"s, "\xc9\xff\xff\xff\xff\x01"s}) {
    std::string many;
    for (int i = 0; i < 1'000; ++i) many += liar;
    EXPECT_EQ(summary(map_of(3, "\xa1x", many, kTs, kUid)), "malformed");
    EXPECT_EQ(summary(many), "malformed");
  }
  EXPECT_EQ(summary("\xdf\xff\xff\xff\xff" + kTs + kUid), "5 a") << "what follows is not judged";
  EXPECT_EQ(summary("\xdf\xff\xff\xff\xff" + kTs), "malformed");
}

TEST(MsgpackTest, AnyNestingIsLegal) {
  for (const std::size_t depth : {10u, 1'000'000u}) {
    const std::string nested = std::string(depth, '\x91') + '\xc0';
    EXPECT_EQ(summary(map_of(3, "\xa1x", nested, kTs, kUid)), "5 a") << depth;
    EXPECT_EQ(strict(map_of(3, kTs, kUid, "\xa1x", nested)), "5 a") << depth;
    EXPECT_EQ(summary(map_of(3, "\xa1x", std::string(depth, '\x91'))), "malformed") << depth;
  }
}

TEST(MsgpackTest, NothingButTheRecordDecides) {
  const std::string whole =
      map_of(4, "\xa1x\x92\x01\xa1y"s, "\xa2ts\xce\x57\x83\xa1\xa0"s, kUid, "\xa1z\xa1z");
  const std::size_t needed = whole.size() - 4;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::vector<std::string> found = codec_test::summaries_of_cut(frames(), whole, length);
    const std::string expected = length >= needed ? "1468244384 a"
                                 : length == 0    ? "empty"
                                                  : "malformed";
    EXPECT_THAT(found, testing::Each(testing::StartsWith(expected))) << length;
  }
}

TEST(MsgpackTest, StrictJudgesTheWholeRecord) {
  EXPECT_EQ(strict(map_of(2, kTs, kUid)), "5 a");
  EXPECT_EQ(strict(map_of(3, kTs, kUid, "\xa1x\xa1\xff")), "5 a") << "not bound: any bytes";
  for (const std::string& wrong :
       {map_of(3, kTs, kUid), map_of(3, kTs, kUid, "\xa1x"), map_of(3, kTs, kUid, "\xa1x\xc1"),
        map_of(2, kTs, kUid, "\xc0"), map_of(3, kTs, kUid, "\xa1x\xa2z")}) {
    EXPECT_EQ(summary(wrong), "5 a");
    EXPECT_EQ(strict(wrong), "malformed");
  }
  EXPECT_EQ(strict(map_of(1, kTs)), "field-missing uid");
}

TEST(MsgpackTest, TextsAreViewsIntoTheRecord) {
  const std::string bytes = map_of(2, kTs, kUid);
  const Decoded decoded{frames(), bytes};
  EXPECT_EQ(decoded.value.uid.data(), decoded.record().value.data() + bytes.size() - 1);
}

TEST(MsgpackTest, EveryTypeComesBackAsItWasWritten) {
  const auto codec = codec_test::bind_everything(
      [](auto... fields) { return msgpack<Everything>(std::move(fields)...); });
  for (const Everything& value : {codec_test::extremes(), Everything{}}) {
    std::string encoded;
    codec.encode(value, encoded);
    const Decoded decoded{codec.strict(), encoded};
    ASSERT_TRUE(decoded.outcome.ok())
        << to_string(decoded.outcome.error) << ' ' << decoded.outcome.field;
    EXPECT_EQ(decoded.value, value);
  }
}

template <class M>
std::string outcome_of(std::string_view value) {
  const Decoded one{msgpack<One<M>>(field("m", &One<M>::member)), "\x81\xa1m" + std::string{value}};
  return std::string{to_string(one.outcome.error)};
}

TEST(MsgpackTest, IntegersOfEveryWidthComeBackInTheShortestForm) {
  const auto codec = msgpack<One<std::int64_t>>(field("m", &One<std::int64_t>::member));
  for (int bit = 0; bit < 63; ++bit) {
    for (const std::int64_t near : {-1, 0, 1}) {
      for (const std::int64_t value :
           {(std::int64_t{1} << bit) + near, -(std::int64_t{1} << bit) + near}) {
        std::string encoded;
        codec.encode({value}, encoded);
        const Decoded decoded{codec.strict(), encoded};
        ASSERT_TRUE(decoded.outcome.ok()) << value;
        EXPECT_EQ(decoded.value.member, value);
        const std::size_t bytes = encoded.size() - 3;
        EXPECT_EQ(bytes, value >= -32 && value < 128                               ? 1u
                         : value >= INT8_MIN && value <= std::int64_t{UINT8_MAX}   ? 2u
                         : value >= INT16_MIN && value <= std::int64_t{UINT16_MAX} ? 3u
                         : value >= INT32_MIN && value <= std::int64_t{UINT32_MAX} ? 5u
                                                                                   : 9u)
            << value;
      }
    }
  }
}

TEST(MsgpackTest, IntegersMustFitTheirType) {
  EXPECT_EQ(outcome_of<std::int8_t>("\xd0\x80"), "none");
  EXPECT_EQ(outcome_of<std::int8_t>("\xd1\xff\x7f"), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::uint8_t>("\xcd\x01\x00"s), "field-out-of-range");
  EXPECT_EQ(outcome_of<std::uint8_t>("\xff"), "field-negative");
  EXPECT_EQ(outcome_of<std::int64_t>("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s), "none");
  EXPECT_EQ(outcome_of<std::int64_t>("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"s),
            "field-out-of-range");
  EXPECT_EQ(outcome_of<std::uint64_t>("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "none");
}

TEST(MsgpackTest, DoublesTakeAnyNumberAndBooleansTheirOwnTypeOnly) {
  const auto number = [](std::string_view value) {
    return Decoded{msgpack<One<double>>(field("m", &One<double>::member)),
                   "\x81\xa1m" + std::string{value}}
        .value.member;
  };
  EXPECT_EQ(number("\x07"), 7);
  EXPECT_EQ(number("\xf0"), -16);
  EXPECT_EQ(number("\xca\x3f\x00\x00\x00"s), 0.5);
  EXPECT_EQ(number("\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"s), 0.5);
  EXPECT_TRUE(std::isnan(number("\xca\x7f\xc0\x00\x00"s)));
  EXPECT_EQ(outcome_of<double>("\xa1\x31"), "field-wrong-type");
  EXPECT_EQ(outcome_of<bool>("\xc3"), "none");
  EXPECT_EQ(outcome_of<bool>("\x01"), "field-wrong-type");
  EXPECT_EQ(outcome_of<std::string>("\xc3"), "field-wrong-type");
}

TEST(MsgpackTest, OptionalFieldsMayBeMissingOrNilAndErrorsEndTheirSearch) {
  const auto codec = msgpack<Partial>(field("level", &Partial::level), field("uid", &Partial::uid));
  const auto partial = [&](std::string_view bytes) {
    const Decoded decoded{codec, bytes};
    if (!decoded.outcome.ok()) return std::string{to_string(decoded.outcome.error)};
    return std::string{decoded.value.uid} +
           (decoded.value.level ? " " + std::to_string(*decoded.value.level) : "");
  };
  EXPECT_EQ(partial(map_of(1, kUid)), "a");
  EXPECT_EQ(partial(map_of(2, kUid, "\xa5level\xc0")), "a");
  EXPECT_EQ(partial(map_of(2, kUid, "\xa5level\x03")), "a 3");
  EXPECT_EQ(partial(map_of(2, kUid, "\xa5level\xc3")), "field-wrong-type");
  EXPECT_EQ(partial(map_of(2, kUid, "\xa5level\xc1")), "a");
  EXPECT_EQ(partial(map_of(3, kUid, "\xc1")), "a");
  EXPECT_EQ(partial(map_of(2, "\xa5level\xc1", kUid)), "malformed");
  std::string out;
  codec.encode({"a", std::nullopt}, out);
  EXPECT_EQ(out, map_of(1, kUid));
}

TEST(MsgpackTest, ReadsWhatAnIndependentEncoderWrites) {
  int good = 0;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    const RandomMsgpack::Map map = RandomMsgpack{seed}.map();
    ASSERT_EQ(summary(map.bytes), map.says) << "seed " << seed;
    ASSERT_EQ(strict(map.bytes), map.says) << "seed " << seed;
    good += map.says.starts_with("field") ? 0 : 1;
  }
  EXPECT_GT(good, 1'000);
}

TEST(MsgpackTest, CutAnywhereAMapIsMalformedOrAsGoodAsBefore) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const RandomMsgpack::Map map = RandomMsgpack{seed}.map();
    for (std::size_t length = 1; length < map.bytes.size(); ++length) {
      const std::string cut = map.bytes.substr(0, length);
      const std::string found = summary(cut);
      if (!found.starts_with("malformed")) {
        ASSERT_EQ(found, map.says) << seed << ' ' << length;
      }
      if (!map.says.starts_with("field")) {
        ASSERT_EQ(strict(cut).substr(0, 9), "malformed");
      }
    }
  }
}

TEST(MsgpackTest, AnyBytesAreReadOrRefused) {
  int good = 0, bad = 0;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    RandomMsgpack random{seed};
    const std::string bytes = random.mutated(random.map().bytes);
    const std::string lenient = summary(bytes);
    const std::string whole = strict(bytes);
    const bool is_good = !lenient.empty() && lenient[0] >= '0' && lenient[0] <= '9';
    // What is good as a whole is good, and says the same.
    if (whole[0] >= '0' && whole[0] <= '9') {
      ASSERT_EQ(whole, lenient) << seed;
    }
    ++(is_good ? good : bad);
  }
  EXPECT_GT(good, 500);
  EXPECT_GT(bad, 3'000);
}

TEST(MsgpackTest, DescribesItsFields) {
  EXPECT_EQ(frames().describe(), "msgpack(ts, uid)");
  EXPECT_EQ(frames().strict().describe(), "msgpack(ts, uid).strict()");
}

TEST(MsgpackTest, DoesNotAllocate) {
  RecordBatch batch;
  for (std::uint64_t seed = 1; seed <= 500; ++seed)
    batch.append({}, map_of(3, kTs, kUid, RandomMsgpack{seed}.map().bytes), 0, 0);
  codec_test::expect_no_allocation(frames(), batch, 500);
}

}  // namespace
}  // namespace millrace
