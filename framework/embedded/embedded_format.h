#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/record.h"
#include "millrace/framework/status.h"

/// The bytes of the embedded broker that outlive the process: records, and the keys and values of
/// its RocksDB. Every value starts with kEmbeddedFormatVersion; integers are little-endian, in keys
/// big-endian so that they sort.
namespace millrace::embedded {

inline constexpr std::uint8_t kEmbeddedFormatVersion = 1;

/// One partition's log in the store. A topic that is deleted and created again gets another id.
struct LogId {
  std::uint32_t topic = 0;
  std::int32_t partition = 0;
  auto operator<=>(const LogId&) const = default;
};

// Records. In the log: varint offset, then the body; self-delimiting, so that runs of them may be
// cut and joined.

/// Appends a record's body: everything but its offset.
void append_record_body(const OutgoingRecord& record, std::int64_t timestamp_ms,
                        std::string& bytes);
inline constexpr std::size_t kMaxOffsetBytes = 10;
/// Writes the offset that precedes a body and returns the end. REQUIRES: kMaxOffsetBytes of room.
char* write_offset(std::int64_t offset, char* to);

/// A record of the log. Views into the bytes that were parsed; headers by parse_headers().
struct LogRecord {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::string_view key;
  std::string_view value;
  std::uint32_t header_count = 0;
  std::string_view header_bytes;
};
/// Takes one record off the front of `bytes`; false when they are cut short or not records.
bool parse_record(std::string_view& bytes, LogRecord& record);
/// Replaces `headers` by those of the record. REQUIRES: parse_record() returned it.
void parse_headers(const LogRecord& record, std::vector<Header>& headers);

// Keys.

std::string version_key();
std::string topic_key(std::string_view topic);
std::string bounds_key(LogId log);
std::string records_key(LogId log, std::int64_t offset);
std::string offset_key(std::string_view group, const TopicPartition& partition);
inline constexpr char kTopicPrefix = 't';
inline constexpr char kOffsetPrefix = 'o';
/// The offset in a records_key. REQUIRES: it is one.
std::int64_t offset_of_records_key(std::string_view key);
/// Group and partition in an offset_key.
Result<std::pair<std::string, TopicPartition>> parse_offset_key(std::string_view key);
/// Name of the topic in a topic_key. REQUIRES: it is one.
std::string_view topic_of_key(std::string_view key);

// Values.

struct StoredTopic {
  std::uint32_t id = 0;
  std::int32_t partitions = 0;
  std::map<std::string, std::string> configs;
  bool operator==(const StoredTopic&) const = default;
};
struct StoredBounds {
  std::int64_t start = 0;
  std::int64_t end = 0;
  bool operator==(const StoredBounds&) const = default;
};
struct StoredOffset {
  std::int64_t offset = 0;
  std::string metadata;
  bool operator==(const StoredOffset&) const = default;
};

std::string encode_version();
Status check_version(std::string_view value);
std::string encode(const StoredTopic& topic);
Result<StoredTopic> decode_topic(std::string_view value);
std::string encode(const StoredBounds& bounds);
Result<StoredBounds> decode_bounds(std::string_view value);
std::string encode(const StoredOffset& offset);
Result<StoredOffset> decode_offset(std::string_view value);
/// A run of records is stored as they are in the log, behind the version.
std::string encode_records(std::string_view records);
Result<std::string_view> decode_records(std::string_view value);

}  // namespace millrace::embedded
