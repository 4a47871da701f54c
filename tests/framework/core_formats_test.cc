#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "millrace/framework/base64.h"
#include "millrace/framework/byte_order.h"
#include "millrace/framework/offset_metadata_format.h"
#include "millrace/framework/repartition_format.h"
#include "millrace/tests/golden/golden.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;

OffsetMetadata some_metadata() {
  OffsetMetadata metadata;
  metadata.highest_ms = 1'468'244'385'000;
  metadata.run = 3;
  metadata.end_offset = 20'000;
  metadata.ended = true;
  metadata.life = 0xfedc'ba98'7654'3210;
  metadata.commit_id = 0x0123'4567'89ab'cdef;
  metadata.said = SourceStatus::kIdle;
  metadata.counters = {.accepted = 19'990,
                       .late = 7,
                       .dead_lettered = 3,
                       .early_closes = 1,
                       .dropped_after_close = 2,
                       .lost = 100,
                       .merged = 9'024,
                       .out_of_order = 9,
                       .late_by_window = {7, 0}};
  metadata.topology = "0123456789abcdef";
  metadata.writer = "unique-users-4f2a-0";
  metadata.note = "note";
  return metadata;
}

TEST(OffsetMetadataFormat, KeepsItsBytes) {
  const std::string text = encode_offset_metadata(some_metadata());
  ASSERT_TRUE(text.starts_with("millrace:"));
  const auto bytes = from_base64(text.substr(9));
  ASSERT_TRUE(bytes);
  expect_golden("offset_metadata_v3", *bytes);
}

TEST(OffsetMetadataFormat, ReadsWhatItWrote) {
  for (const OffsetMetadata& metadata : {some_metadata(), OffsetMetadata()}) {
    const auto read = decode_offset_metadata(encode_offset_metadata(metadata));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, metadata);
  }
}

TEST(OffsetMetadataFormat, StaysUnderAKilobyteWithSixtyFourWindows) {
  OffsetMetadata metadata = some_metadata();
  metadata.counters.late_by_window.assign(64, std::numeric_limits<std::uint64_t>::max());
  metadata.writer = std::string(64, 'x');
  EXPECT_LT(encode_offset_metadata(metadata).size(), 1024u);
}

TEST(OffsetMetadataFormat, TakesAnEmptyTextAsNeverCommitted) {
  const auto read = decode_offset_metadata("");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, OffsetMetadata());
}

TEST(OffsetMetadataFormat, RefusesWhatIsNotMillraces) {
  const auto read = decode_offset_metadata("another consumer's");
  EXPECT_EQ(read.status().code(), StatusCode::kFailed);
  EXPECT_THAT(read.status().message(), AllOf(HasSubstr("another consumer"), HasSubstr("reset")));
}

TEST(OffsetMetadataFormat, RefusesAnUnknownVersionByName) {
  std::string bytes = *from_base64(encode_offset_metadata(some_metadata()).substr(9));
  bytes[0] = 9;
  const auto read = decode_offset_metadata("millrace:" + to_base64(bytes));
  EXPECT_THAT(read.status().message(), AllOf(HasSubstr("version 9"), HasSubstr("knows 3")));
}

TEST(OffsetMetadataFormat, RefusesEveryTruncation) {
  const std::string bytes = *from_base64(encode_offset_metadata(some_metadata()).substr(9));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_offset_metadata("millrace:" + to_base64(bytes.substr(0, size))).ok())
        << size;
}

const SourceWord kWord{2, 3, 7, 1'468'244'380'000, SourceStatus::kIdle, 1'468'244'320'000};

TEST(RepartitionFormat, KeepsTheBytesOfAWord) {
  std::string bytes;
  encode_source_word(kWord, bytes);
  expect_golden("repartition_word_v1", bytes);
}

TEST(RepartitionFormat, KeepsTheBytesOfTheHeadOfData) {
  std::string bytes;
  begin_repartition_data(1'468'244'385'000, 1'468'244'380'000, bytes);
  expect_golden("repartition_data_v1", bytes + "payload");
}

TEST(RepartitionFormat, ReadsWhatItWrote) {
  std::string bytes;
  encode_source_word(kWord, bytes);
  auto read = decode_repartition_record(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->kind, RepartitionKind::kWord);
  EXPECT_EQ(read->word, kWord);

  bytes.clear();
  begin_repartition_data(12, kNoTime, bytes);
  bytes += "abc";
  read = decode_repartition_record(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->kind, RepartitionKind::kData);
  EXPECT_EQ(read->event_time_ms, 12);
  EXPECT_EQ(read->watermark_ms, kNoTime);
  EXPECT_EQ(read->payload, "abc");
}

TEST(RepartitionFormat, RefusesUnknownVersionsKindsStatusesAndTruncations) {
  std::string bytes;
  encode_source_word(kWord, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_repartition_record(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_repartition_record(bytes + "x").ok());
  std::string wrong = bytes;
  wrong[0] = 9;
  EXPECT_THAT(decode_repartition_record(wrong).status().message(), HasSubstr("version 9"));
  wrong = bytes;
  wrong[1] = 5;
  EXPECT_FALSE(decode_repartition_record(wrong).ok());
  wrong = bytes;
  wrong[2 + 4 + 4 + 4 + 8] = 3;  // the status
  EXPECT_FALSE(decode_repartition_record(wrong).ok());
}

}  // namespace
}  // namespace millrace
