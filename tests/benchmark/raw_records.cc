/// Topics of keys and values for run_benchmarks, by hand.
///
///     raw_records changelog BOOTSTRAP TOPIC KEYS WRITES BYTES   what keep_values writes to its
///                                                               changelog: each key WRITES times
///     raw_records keys BOOTSTRAP TOPIC KEYS COUNT               COUNT records, keys drawn from
///     KEYS;
///                                                               as many as KEYS: each key once
///     raw_records read BOOTSTRAP TOPIC                          the fastest read there is
///     raw_records last BOOTSTRAP TOPIC                          the last value of each key, as one
///                                                               checksum
///     raw_records kept BOOTSTRAP TOPIC                          the same of what a changelog holds
///     raw_records content BOOTSTRAP TOPIC                       all records, as one checksum
///     raw_records delete BOOTSTRAP TOPIC                        deletes the topic
#include <xxhash.h>

#include <numeric>
#include <unordered_map>

#include "millrace/framework/format.h"
#include "millrace/framework/partitioner.h"
#include "millrace/tests/benchmark/raw_records.h"

namespace millrace::benchmark {
namespace {

std::uint64_t mixed(std::uint64_t number) {  // splitmix64
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

void set_key(std::uint64_t number, std::string& key) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "key-%010llu", static_cast<unsigned long long>(number));
  key = text.data();
}

int count_partitions(const char* bootstrap, const char* topic) {
  rd_kafka_t* client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap}});
  const int partitions = partitions_of(client, topic);
  rd_kafka_destroy(client);
  return partitions;
}

/// Each round writes every key once, in an order of its own.
void write_changelog(const char* bootstrap, const char* topic, std::uint64_t keys,
                     std::uint64_t writes, std::size_t bytes) {
  const int partitions = count_partitions(bootstrap, topic);
  Writer writer(bootstrap, topic);
  std::string key, stored_key, text, value;
  std::uint64_t digits = 0;
  for (std::uint64_t round = 0; round < writes; ++round) {
    std::uint64_t step = mixed(round) | 1;
    while (std::gcd(step, keys) != 1) step += 2;
    for (std::uint64_t i = 0, number = 0; i < keys; ++i, number = (number + step) % keys) {
      set_key(number, key);
      stored_key.assign(1, 'k').append(key);
      text.resize(bytes);
      for (std::size_t at = 0; at < bytes; ++at) {
        if (at % 16 == 0) digits = mixed(number * 31 + round * 7 + at);
        text[at] = "0123456789abcdef"[digits >> (at % 16 * 4) & 15];
      }
      value.clear();
      ByteWriter out(value);
      Format<std::string>::write(text, out);
      writer.write(partition_for_key(key, partitions), stored_key, value);
    }
  }
}

/// Drawn at random, or each once.
void write_keys(const char* bootstrap, const char* topic, std::uint64_t keys, std::uint64_t count) {
  const int partitions = count_partitions(bootstrap, topic);
  Writer writer(bootstrap, topic);
  std::string key;
  for (std::uint64_t i = 0; i < count; ++i) {
    set_key(count == keys ? i : mixed(i) % keys, key);
    writer.write(partition_for_key(key, partitions), key, "a value of thirty-two characters");
  }
}

void read(const char* bootstrap, const char* topic) {
  std::uint64_t records = 0, bytes = 0;
  read_all(bootstrap, topic, [&](const rd_kafka_message_t& message) {
    ++records;
    bytes += message.key_len + message.len;
  });
  std::printf("{\"records\": %llu, \"bytes\": %llu}\n", static_cast<unsigned long long>(records),
              static_cast<unsigned long long>(bytes));
}

/// `stored`: as keep_values has it in its changelog.
void read_last(const char* bootstrap, const char* topic, bool stored) {
  std::unordered_map<std::string, std::uint64_t> last;
  std::uint64_t records = 0;
  read_all(bootstrap, topic, [&](const rd_kafka_message_t& message) {
    ++records;
    std::string_view key(static_cast<const char*>(message.key), message.key_len);
    std::string_view value(static_cast<const char*>(message.payload), message.len);
    if (stored) {
      key.remove_prefix(1);
      value.remove_prefix(sizeof(std::uint32_t));
    }
    last[std::string(key)] = XXH64(value.data(), value.size(), XXH64(key.data(), key.size(), 0));
  });
  std::uint64_t sum = 0;
  for (const auto& [key, checksum] : last) sum += checksum;
  std::printf("{\"records\": %llu, \"keys\": %zu, \"checksum\": \"%016llx\"}\n",
              static_cast<unsigned long long>(records), last.size(),
              static_cast<unsigned long long>(sum));
}

/// In any order, and whatever the partitions.
void read_content(const char* bootstrap, const char* topic) {
  std::uint64_t sum = 0, records = 0;
  read_all(bootstrap, topic, [&](const rd_kafka_message_t& message) {
    ++records;
    sum += XXH3_64bits_withSeed(message.payload, message.len,
                                XXH3_64bits(message.key, message.key_len));
  });
  std::printf("{\"records\": %llu, \"checksum\": \"%016llx\"}\n",
              static_cast<unsigned long long>(records), static_cast<unsigned long long>(sum));
}

void delete_topic(const char* bootstrap, const char* topic) {
  rd_kafka_t* client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap}});
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  rd_kafka_DeleteTopic_t* topics[] = {rd_kafka_DeleteTopic_new(topic)};
  rd_kafka_DeleteTopics(client, topics, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30'000);
  if (event == nullptr || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
    fail(std::string{"cannot delete "} + topic);
  rd_kafka_event_destroy(event);
  rd_kafka_DeleteTopic_destroy(topics[0]);
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(client);
}

int run(std::span<char*> words) {
  const std::string_view what = words.size() > 3 ? words[1] : "";
  const auto number = [&](std::size_t index) { return std::strtoull(words[index], nullptr, 10); };
  if (what == "changelog" && words.size() == 7)
    write_changelog(words[2], words[3], number(4), number(5), number(6));
  else if (what == "keys" && words.size() == 6)
    write_keys(words[2], words[3], number(4), number(5));
  else if (what == "read" && words.size() == 4)
    read(words[2], words[3]);
  else if (what == "last" && words.size() == 4)
    read_last(words[2], words[3], false);
  else if (what == "kept" && words.size() == 4)
    read_last(words[2], words[3], true);
  else if (what == "content" && words.size() == 4)
    read_content(words[2], words[3]);
  else if (what == "delete" && words.size() == 4)
    delete_topic(words[2], words[3]);
  else
    return std::fputs("usage: see the head of raw_records.cc\n", stderr), 2;
  return 0;
}

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  return millrace::benchmark::run({argv, static_cast<std::size_t>(argc)});
}
