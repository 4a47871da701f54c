#include "millrace/framework/embedded/embedded_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::embedded {
namespace {

using testing::HasSubstr;

std::string written(const OutgoingRecord& record, std::int64_t offset, std::int64_t timestamp_ms) {
  std::string bytes(kMaxOffsetBytes, '\0');
  bytes.resize(static_cast<std::size_t>(write_offset(offset, bytes.data()) - bytes.data()));
  append_record_body(record, timestamp_ms, bytes);
  return bytes;
}

TEST(EmbeddedFormatTest, RecordsComeBackFromARun) {
  const Header headers[] = {{"name", "value"}, {"", {}}, {"empty", ""}};
  OutgoingRecord full;
  full.key = "key";
  full.value = std::string_view("\0\xff", 2);
  full.headers = headers;
  const std::string run =
      written(full, 1LL << 40, -5) + written({}, (1LL << 40) + 3, 1'468'244'340'000);
  std::string_view rest = run;
  LogRecord record;
  ASSERT_TRUE(parse_record(rest, record));
  EXPECT_EQ(record.offset, 1LL << 40);
  EXPECT_EQ(record.timestamp_ms, -5);
  EXPECT_EQ(record.key, "key");
  EXPECT_EQ(record.value, std::string_view("\0\xff", 2));
  std::vector<Header> parsed;
  parse_headers(record, parsed);
  ASSERT_EQ(parsed.size(), 3U);
  EXPECT_EQ(parsed[0].name, "name");
  EXPECT_EQ(parsed[0].value, "value");
  EXPECT_EQ(parsed[1].value.data(), nullptr);
  EXPECT_NE(parsed[2].value.data(), nullptr);
  ASSERT_TRUE(parse_record(rest, record));
  EXPECT_EQ(record.offset, (1LL << 40) + 3);
  EXPECT_EQ(record.timestamp_ms, 1'468'244'340'000);
  EXPECT_EQ(record.key.data(), nullptr);
  EXPECT_EQ(record.value.data(), nullptr);
  EXPECT_FALSE(parse_record(rest, record));
}

TEST(EmbeddedFormatTest, NoPrefixOfARecordIsARecord) {
  const Header headers[] = {{"name", "value"}};
  OutgoingRecord full;
  full.key = "key";
  full.value = "value";
  full.headers = headers;
  const std::string bytes = written(full, 300, 1);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut(bytes.data(), size);
    LogRecord record;
    EXPECT_FALSE(parse_record(cut, record)) << size;
  }
}

TEST(EmbeddedFormatTest, ValuesRoundTrip) {
  const StoredTopic topic{7, 3, {{"cleanup.policy", "compact"}, {"retention.ms", "-1"}}};
  EXPECT_EQ(*decode_topic(encode(topic)), topic);
  const StoredBounds bounds{5, 1LL << 40};
  EXPECT_EQ(*decode_bounds(encode(bounds)), bounds);
  const StoredOffset offset{9, std::string("\0meta", 5)};
  EXPECT_EQ(*decode_offset(encode(offset)), offset);
  EXPECT_EQ(*decode_records(encode_records("run")), "run");
  EXPECT_TRUE(check_version(encode_version()).ok());
}

TEST(EmbeddedFormatTest, KeysRoundTripAndSortByOffset) {
  const TopicPartition partition{"topic", 258};
  const auto parsed = parse_offset_key(offset_key("group", partition));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->first, "group");
  EXPECT_EQ(parsed->second, partition);
  EXPECT_EQ(topic_of_key(topic_key("topic")), "topic");
  EXPECT_EQ(offset_of_records_key(records_key({1, 2}, 1LL << 40)), 1LL << 40);
  EXPECT_LT(records_key({1, 2}, 255), records_key({1, 2}, 256));
  EXPECT_LT(records_key({1, 2}, 1LL << 40), records_key({1, 3}, 0));
}

TEST(EmbeddedFormatTest, UnknownVersionsAndCutValuesAreRefusedByName) {
  std::string topic = encode(StoredTopic{7, 3, {{"a", "b"}}});
  EXPECT_THAT(decode_topic(topic.substr(0, topic.size() - 1)).status().message(),
              HasSubstr("topic"));
  topic[0] = 9;
  EXPECT_THAT(decode_topic(topic).status().message(), HasSubstr("format version 9"));
  EXPECT_THAT(check_version("\x02").message(), HasSubstr("format version 2"));
  EXPECT_FALSE(decode_bounds("").ok());
  EXPECT_FALSE(decode_bounds(encode(StoredBounds{}).substr(0, 5)).ok());
  EXPECT_FALSE(decode_offset(encode(StoredOffset{}).substr(0, 5)).ok());
}

/// The bytes of version 1. They change only with the version.
TEST(EmbeddedFormatTest, KeepsItsBytes) {
  OutgoingRecord full;
  full.key = "k";
  full.value = "v";
  EXPECT_EQ(written(full, 300, 1), std::string("\xac\x02\x02\x02\x02\x00kv", 8));
  EXPECT_EQ(encode(StoredBounds{1, 2}),
            std::string("\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0", 17));
  EXPECT_EQ(encode(StoredOffset{3, "m"}), std::string("\x01\x03\0\0\0\0\0\0\0m", 10));
  EXPECT_EQ(encode(StoredTopic{1, 2, {{"a", "b"}}}),
            std::string("\x01\x01\0\0\0\x02\0\0\0\x01\0\0\0\x02"
                        "a\x02"
                        "b",
                        17));
  EXPECT_EQ(records_key({1, 2}, 3), std::string("r\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\x03", 17));
}

}  // namespace
}  // namespace millrace::embedded
