#include "millrace/operators/codec/text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace millrace {
namespace {

static_assert(DecodingCodec<DecimalIntegerCodec> && EncodingCodec<DecimalIntegerCodec>);
static_assert(DecodingCodec<TextCodec> && EncodingCodec<TextCodec>);
static_assert(DecodingCodec<BytesCodec> && EncodingCodec<BytesCodec>);

template <class Codec>
RecordError decode(const Codec& codec, std::string_view text, typename Codec::value_type& value) {
  RecordBatch batch;
  batch.append({}, text, 0, 0);
  return codec.decode(batch.records()[0], batch.arena(), value).error;
}

TEST(TextCodecTest, ReadsDecimalIntegers) {
  for (const std::int64_t expected :
       {std::int64_t{0}, std::int64_t{-42}, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max()}) {
    std::string text;
    decimal_integer().encode(expected, text);
    std::int64_t value = 1;
    EXPECT_EQ(decode(decimal_integer(), text, value), RecordError::kNone) << text;
    EXPECT_EQ(value, expected);
    EXPECT_EQ(decode(decimal_integer(), text + '\r', value), RecordError::kNone)
        << "a line of a file with CRLF";
  }
}

TEST(TextCodecTest, TellsWhyTextIsNoDecimalInteger) {
  std::int64_t value = 0;
  for (const std::string_view text : {"x", "-", "+5", " 5", "5 ", "5x", "0x10", "1,5", "1."})
    EXPECT_EQ(decode(decimal_integer(), text, value), RecordError::kMalformed) << text;
  EXPECT_EQ(decode(decimal_integer(), "1.5", value), RecordError::kFieldFractional);
  EXPECT_EQ(decode(decimal_integer(), "1e5", value), RecordError::kFieldFractional);
  EXPECT_EQ(decode(decimal_integer(), "9223372036854775808", value), RecordError::kFieldOutOfRange);
  EXPECT_EQ(decode(decimal_integer(), "-9223372036854775809", value),
            RecordError::kFieldOutOfRange);
  EXPECT_EQ(decode(decimal_integer(), "", value), RecordError::kEmpty);
  EXPECT_EQ(decode(decimal_integer(), {}, value), RecordError::kEmpty);
  EXPECT_EQ(decode(decimal_integer(), "\r", value), RecordError::kEmpty);
}

TEST(TextCodecTest, TextMustBeUtf8AndIsNotCopied) {
  RecordBatch batch;
  batch.append({}, "звал", 0, 0);
  std::string_view value;
  EXPECT_TRUE(text().decode(batch.records()[0], batch.arena(), value).ok());
  EXPECT_EQ(value, "звал");
  EXPECT_EQ(value.data(), batch.records()[0].value.data());
  EXPECT_EQ(decode(text(), "\xFF", value), RecordError::kFieldInvalidUtf8);
  EXPECT_EQ(decode(text(), {}, value), RecordError::kEmpty);
  EXPECT_EQ(decode(text(), "", value), RecordError::kNone);
}

TEST(TextCodecTest, BytesAreAnyBytes) {
  std::string_view value = "before";
  EXPECT_EQ(decode(bytes(), {}, value), RecordError::kNone);
  EXPECT_EQ(value.data(), nullptr);
  RecordBatch batch;
  batch.append({}, "\xFF\x00z", 0, 0);
  EXPECT_TRUE(bytes().decode(batch.records()[0], batch.arena(), value).ok());
  EXPECT_EQ(value, "\xFF\x00z");
}

TEST(TextCodecTest, EncodeAppends) {
  std::string out = "a";
  text().encode("b", out);
  bytes().encode("c", out);
  decimal_integer().encode(-7, out);
  EXPECT_EQ(out, "abc-7");
}

TEST(TextCodecTest, DescribesItselfAsItIsWritten) {
  EXPECT_EQ(decimal_integer().describe(), "decimal_integer()");
  EXPECT_EQ(text().describe(), "text()");
  EXPECT_EQ(bytes().describe(), "bytes()");
}

}  // namespace
}  // namespace millrace
