/// Unique users per minute of a Kafka topic, the fastest loop one would write by hand.
///
///     raw_kafka_count BOOTSTRAP TOPIC
///
/// One thread consumes all partitions from their beginning to their end through one queue: no
/// group, no commit, no output topic. See run_benchmarks.
#include <cstdio>
#include <vector>

#include "millrace/tests/benchmark/raw_minute_users.h"
#include "millrace/tests/benchmark/raw_records.h"

namespace millrace::benchmark {
namespace {

// simdjson reads up to SIMDJSON_PADDING bytes past the end. That is harmless unless the payload
// ends just before a page that may not be mapped; only such payloads are copied.
class Frames {
 public:
  void add(const rd_kafka_message_t& message) {
    constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;
    constexpr std::uintptr_t kPage = 4096;
    const auto* data = static_cast<const char*>(message.payload);
    const std::size_t size = message.len;
    ++frames_;
    if ((reinterpret_cast<std::uintptr_t>(data + size) & (kPage - 1)) + kPadding < kPage) {
      users_.add(data, size, size + kPadding);
      return;
    }
    if (copy_.size() < size + kPadding) copy_.resize(2 * (size + kPadding));
    std::memcpy(copy_.data(), data, size);
    users_.add(copy_.data(), size, copy_.size());
  }
  void print() const { users_.print(frames_); }

 private:
  MinuteUsers users_;
  std::uint64_t frames_ = 0;
  std::vector<char> copy_ = std::vector<char>(1 << 16);
};

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: raw_kafka_count BOOTSTRAP TOPIC\n", stderr);
    return 2;
  }
  millrace::benchmark::Frames frames;
  millrace::benchmark::read_all(argv[1], argv[2],
                                [&](const rd_kafka_message_t& message) { frames.add(message); });
  frames.print();
  return 0;
}
