#include "millrace/framework/embedded/embedded_format.h"

#include <fmt/format.h>

#include <cstring>

namespace millrace::embedded {
namespace {

char* write_varint(std::uint64_t number, char* to) {
  while (number >= 0x80) {
    *to++ = static_cast<char>(number | 0x80);
    number >>= 7;
  }
  *to++ = static_cast<char>(number);
  return to;
}

void append_varint(std::uint64_t number, std::string& bytes) {
  char buffer[kMaxOffsetBytes];
  bytes.append(buffer, static_cast<std::size_t>(write_varint(number, buffer) - buffer));
}

bool parse_varint(std::string_view& bytes, std::uint64_t& number) {
  number = 0;
  const std::size_t limit = std::min<std::size_t>(bytes.size(), kMaxOffsetBytes);
  for (std::size_t i = 0; i < limit; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    number |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}

std::int64_t unzigzag(std::uint64_t number) {
  return static_cast<std::int64_t>((number >> 1) ^ (~(number & 1) + 1));
}

/// Sizes are written plus one; 0 says null.
void append_size(std::string_view text, std::string& bytes) {
  append_varint(text.data() == nullptr ? 0 : text.size() + 1, bytes);
}

bool take(std::string_view& bytes, std::uint64_t size_plus_one, std::string_view& text) {
  if (size_plus_one == 0) {
    text = {};
    return true;
  }
  const std::uint64_t size = size_plus_one - 1;
  if (size > bytes.size()) return false;
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

bool take_sized(std::string_view& bytes, std::string_view& text) {
  std::uint64_t size = 0;
  return parse_varint(bytes, size) && take(bytes, size, text);
}

template <class Integer>
void append_little(Integer number, std::string& bytes) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i)));
}

template <class Integer>
bool parse_little(std::string_view& bytes, Integer& number) {
  if (bytes.size() < sizeof number) return false;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < sizeof number; ++i)
    all |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  number = static_cast<Integer>(all);
  bytes.remove_prefix(sizeof number);
  return true;
}

template <class Integer>
void append_big(Integer number, std::string& bytes) {
  for (std::size_t i = sizeof number; i-- > 0;)
    bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i)));
}

std::string versioned() { return std::string(1, static_cast<char>(kEmbeddedFormatVersion)); }

Status take_version(std::string_view& value, std::string_view what) {
  if (value.empty()) return Status::failed(fmt::format("embedded broker: {} is empty", what));
  const auto version = static_cast<unsigned char>(value.front());
  if (version != kEmbeddedFormatVersion)
    return Status::failed(fmt::format(
        "embedded broker: {} has format version {}, this program knows version {}: use the "
        "program that wrote the directory, or another directory",
        what, version, kEmbeddedFormatVersion));
  value.remove_prefix(1);
  return {};
}

Status malformed(std::string_view what) {
  return Status::failed(fmt::format("embedded broker: {} is cut short or damaged", what));
}

std::string log_key(char prefix, LogId log) {
  std::string key(1, prefix);
  append_big(log.topic, key);
  append_big(log.partition, key);
  return key;
}

}  // namespace

void append_record_body(const OutgoingRecord& record, std::int64_t timestamp_ms,
                        std::string& bytes) {
  append_varint(zigzag(timestamp_ms), bytes);
  append_size(record.key, bytes);
  append_size(record.value, bytes);
  append_varint(record.headers.size(), bytes);
  bytes.append(record.key);
  bytes.append(record.value);
  if (record.headers.empty()) return;
  std::string headers;
  for (const Header& header : record.headers) {
    append_size(header.name, headers);
    headers.append(header.name);
    append_size(header.value, headers);
    headers.append(header.value);
  }
  append_varint(headers.size(), bytes);
  bytes.append(headers);
}

char* write_offset(std::int64_t offset, char* to) {
  return write_varint(static_cast<std::uint64_t>(offset), to);
}

bool parse_record(std::string_view& bytes, LogRecord& record) {
  std::uint64_t offset, timestamp, key_size, value_size, header_count;
  if (!parse_varint(bytes, offset) || !parse_varint(bytes, timestamp) ||
      !parse_varint(bytes, key_size) || !parse_varint(bytes, value_size) ||
      !parse_varint(bytes, header_count) || !take(bytes, key_size, record.key) ||
      !take(bytes, value_size, record.value))
    return false;
  record.offset = static_cast<std::int64_t>(offset);
  record.timestamp_ms = unzigzag(timestamp);
  record.header_count = static_cast<std::uint32_t>(header_count);
  record.header_bytes = {};
  std::uint64_t header_size = 0;
  return header_count == 0 ||
         (parse_varint(bytes, header_size) && take(bytes, header_size + 1, record.header_bytes));
}

void parse_headers(const LogRecord& record, std::vector<Header>& headers) {
  headers.clear();
  std::string_view rest = record.header_bytes;
  Header header;
  while (!rest.empty() && take_sized(rest, header.name) && take_sized(rest, header.value))
    headers.push_back(header);
}

std::string version_key() { return "v"; }
std::string topic_key(std::string_view topic) { return std::string(1, kTopicPrefix).append(topic); }
std::string_view topic_of_key(std::string_view key) { return key.substr(1); }
std::string bounds_key(LogId log) { return log_key('b', log); }

std::string records_key(LogId log, std::int64_t offset) {
  std::string key = log_key('r', log);
  append_big(offset, key);
  return key;
}

std::int64_t offset_of_records_key(std::string_view key) {
  std::uint64_t offset = 0;
  for (const char byte : key.substr(key.size() - sizeof offset))
    offset = offset << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(offset);
}

std::string offset_key(std::string_view group, const TopicPartition& partition) {
  std::string key(1, kOffsetPrefix);
  append_size(group, key);
  key.append(group);
  append_size(partition.topic, key);
  key.append(partition.topic);
  append_big(partition.partition, key);
  return key;
}

Result<std::pair<std::string, TopicPartition>> parse_offset_key(std::string_view key) {
  key.remove_prefix(1);
  std::string_view group, topic;
  if (!take_sized(key, group) || !take_sized(key, topic) || key.size() != sizeof(std::int32_t))
    return malformed("the key of a committed offset");
  std::uint32_t partition = 0;
  for (const char byte : key) partition = partition << 8 | static_cast<unsigned char>(byte);
  return std::pair{std::string(group),
                   TopicPartition{std::string(topic), static_cast<std::int32_t>(partition)}};
}

std::string encode_version() { return versioned(); }
Status check_version(std::string_view value) { return take_version(value, "the directory"); }

std::string encode(const StoredTopic& topic) {
  std::string value = versioned();
  append_little(topic.id, value);
  append_little(topic.partitions, value);
  append_little(static_cast<std::uint32_t>(topic.configs.size()), value);
  for (const auto& [name, setting] : topic.configs) {
    append_size(name, value);
    value.append(name);
    append_size(setting, value);
    value.append(setting);
  }
  return value;
}

Result<StoredTopic> decode_topic(std::string_view value) {
  MILLRACE_RETURN_IF_ERROR(take_version(value, "a topic's description"));
  StoredTopic topic;
  std::uint32_t configs = 0;
  if (!parse_little(value, topic.id) || !parse_little(value, topic.partitions) ||
      !parse_little(value, configs))
    return malformed("a topic's description");
  for (std::uint32_t i = 0; i < configs; ++i) {
    std::string_view name, setting;
    if (!take_sized(value, name) || !take_sized(value, setting))
      return malformed("a topic's configuration");
    topic.configs.emplace(name, setting);
  }
  return topic;
}

std::string encode(const StoredBounds& bounds) {
  std::string value = versioned();
  append_little(bounds.start, value);
  append_little(bounds.end, value);
  return value;
}

Result<StoredBounds> decode_bounds(std::string_view value) {
  MILLRACE_RETURN_IF_ERROR(take_version(value, "a partition's bounds"));
  StoredBounds bounds;
  if (!parse_little(value, bounds.start) || !parse_little(value, bounds.end))
    return malformed("a partition's bounds");
  return bounds;
}

std::string encode(const StoredOffset& offset) {
  std::string value = versioned();
  append_little(offset.offset, value);
  value.append(offset.metadata);
  return value;
}

Result<StoredOffset> decode_offset(std::string_view value) {
  MILLRACE_RETURN_IF_ERROR(take_version(value, "a committed offset"));
  StoredOffset offset;
  if (!parse_little(value, offset.offset)) return malformed("a committed offset");
  offset.metadata = value;
  return offset;
}

std::string encode_records(std::string_view records) { return versioned().append(records); }

Result<std::string_view> decode_records(std::string_view value) {
  MILLRACE_RETURN_IF_ERROR(take_version(value, "a run of records"));
  return value;
}

}  // namespace millrace::embedded
