/// Measures how long a running program takes from a frame to its result, for run_benchmarks.
///
///     latency_probe BOOTSTRAP INPUT OUTPUT copies|windows FRAMES_PER_S WARM_S MEASURED_S
///
/// Writes frames of 2 KB to the four partitions of INPUT in turn, at a steady pace, and reads
/// OUTPUT, read_committed. The latency of a result is the time from the moment when the frame that
/// completes it is given to the producer until its right value has been read.
/// copies: each frame completes its own copy. windows: each of a second of event time, of which
/// twenty go by in a second; the one that completes it is the last of the four frames, one in each
/// partition, which are the first there at or past its end.
/// What was sent in the first WARM_S after the first result counts for nothing. Every result that
/// is expected must come and be right.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <ctime>
#include <map>
#include <memory>
#include <thread>
#include <unordered_set>

#include "millrace/tests/benchmark/raw_records.h"

namespace millrace::benchmark {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kPartitions = 4;
constexpr std::size_t kBytes = 2'000;
constexpr std::size_t kWindowsPerSecond = 20;
constexpr std::size_t kUsers = 1'000;
constexpr seconds kPatience{90};

std::int64_t now_ns() { return Clock::now().time_since_epoch().count(); }

/// The number behind `name` in a JSON object.
std::uint64_t number_after(std::string_view json, std::string_view name) {
  std::uint64_t number = 0;
  const std::size_t at = json.find(name);
  if (at == json.npos) fail("not a result: " + std::string(json));
  std::from_chars(json.data() + at + name.size(), json.data() + json.size(), number);
  return number;
}

class Probe {
 public:
  Probe(const char* bootstrap, const char* input, const char* output, bool windows,
        std::size_t rate, seconds warm, seconds measured)
      : bootstrap_(bootstrap),
        input_(input),
        output_(output),
        windows_(windows),
        rate_(rate),
        warm_(warm),
        measured_(measured),
        most_(rate * static_cast<std::size_t>((kPatience + warm + measured).count())),
        per_window_(rate / kWindowsPerSecond),
        start_s_(static_cast<std::uint64_t>(std::time(nullptr))),
        sent_ns_(std::make_unique<std::atomic<std::int64_t>[]>(most_)) {}

  int run() {
    std::thread reader([this] { read(); });
    write();
    reader.join();
    return report();
  }

 private:
  std::size_t results(std::size_t frames) const { return windows_ ? frames / per_window_ : frames; }

  // --- the writer's thread

  void write() {
    rd_kafka_t* client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap_},
                                                         {"enable.idempotence", "true"},
                                                         {"linger.ms", "0"},
                                                         {"socket.nagle.disable", "true"}});
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client, input_, nullptr);
    if (static_cast<std::size_t>(partitions_of(client, input_)) != kPartitions)
      fail("the input must have four partitions");
    std::string frame(kBytes, ' ');
    const Clock::time_point begin = Clock::now();
    std::size_t next = 0, last = most_;
    std::int64_t warm_until_ns = 0;
    while (next < last) {
      const auto due = static_cast<std::size_t>((Clock::now() - begin).count() *
                                                static_cast<std::int64_t>(rate_) / 1'000'000'000);
      for (; next < std::min(due, last); ++next) send(client, topic, frame, next);
      rd_kafka_poll(client, 0);
      if (warm_until_ns == 0 && first_result_ns_ != 0)
        warm_until_ns = first_result_ns_ + std::chrono::nanoseconds(warm_).count();
      if (first_ == 0 && warm_until_ns != 0 && now_ns() > warm_until_ns) {
        first_ = next;
        last = next + rate_ * static_cast<std::size_t>(measured_.count());
      }
      if (first_result_ns_ == 0 && Clock::now() - begin > kPatience) fail("no result comes");
      std::this_thread::sleep_for(milliseconds(1));
    }
    // So that the last windows are passed.
    for (const std::size_t end = next + 2 * per_window_; next < end; ++next)
      send(client, topic, frame, next);
    last_ = last;
    if (rd_kafka_flush(client, 60'000) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("not all was written");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
  }

  void send(rd_kafka_t* client, rd_kafka_topic_t* topic, std::string& frame, std::size_t number) {
    const std::size_t window = number / per_window_;
    const std::size_t user = number * 7'919 % kUsers;
    std::array<char, 96> head{};
    const int length = std::snprintf(
        head.data(), head.size(), R"({"n":"%012zu","ts":%)" PRIu64 R"(,"uid":"user-%zu","text":")",
        number, start_s_ + window, user);
    std::fill(frame.begin(), frame.end(), 'x');
    std::copy_n(head.data(), length, frame.begin());
    frame[kBytes - 2] = '"';
    frame[kBytes - 1] = '}';
    if (number < most_) sent_ns_[number] = now_ns();
    while (rd_kafka_produce(topic, static_cast<int>(number % kPartitions), RD_KAFKA_MSG_F_COPY,
                            frame.data(), frame.size(), nullptr, 0, nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        fail(rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(client, 1);
    }
  }

  // --- the reader's thread

  void read() {
    Clock::time_point latest = Clock::now();
    read_while(
        bootstrap_, output_, 10'000,
        [&](int, int) {
          if (last_ != 0 && complete_ >= results(last_) - results(first_)) return false;
          if (last_ != 0 && Clock::now() - latest > kPatience) fail("results are missing");
          return true;
        },
        [&](const rd_kafka_message_t& message) {
          latest = Clock::now();
          if (first_result_ns_ == 0) first_result_ns_ = now_ns();
          const std::string_view value(static_cast<const char*>(message.payload), message.len);
          if (windows_)
            take_window(value);
          else
            take_copy(value);
        },
        [&] { count_complete(); });
  }

  void take_copy(std::string_view frame) {
    std::size_t number = 0;
    std::from_chars(frame.data() + 6, frame.data() + 18, number);
    seen_.resize(std::max(seen_.size(), number + 1));
    if (seen_[number].at_ns != 0) fail("a frame came twice: " + std::to_string(number));
    seen_[number] = {now_ns(), 1};
  }

  void take_window(std::string_view result) {
    const std::size_t window = number_after(result, "\"ts\":") - start_s_;
    const std::uint64_t users = number_after(result, "\"unique_users\":");
    seen_.resize(std::max(seen_.size(), window + 1));
    // Of several results of one window the last must be right; it counts from when it first is.
    if (seen_[window].users != users) seen_[window] = {now_ns(), users};
  }

  std::uint64_t expected(std::size_t result) const {
    if (!windows_) return 1;
    std::unordered_set<std::size_t> users;
    for (std::size_t i = 0; i < per_window_; ++i)
      users.insert((result * per_window_ + i) * 7'919 % kUsers);
    return users.size();
  }

  /// How many of the results that are measured are there and right.
  void count_complete() {
    if (last_ == 0) return;
    std::size_t complete = 0;
    for (std::size_t i = results(first_); i < std::min(results(last_), seen_.size()); ++i)
      complete += seen_[i].users == expected(i);
    complete_ = complete;
  }

  // --- afterwards

  int report() const {
    std::vector<double> latencies_ms;
    for (std::size_t i = results(first_); i < results(last_); ++i) {
      if (seen_[i].users != expected(i)) fail("a result is wrong");
      const std::size_t completing = windows_ ? (i + 1) * per_window_ + kPartitions - 1 : i;
      if (completing >= most_) continue;
      latencies_ms.push_back(static_cast<double>(seen_[i].at_ns - sent_ns_[completing]) / 1e6);
    }
    std::sort(latencies_ms.begin(), latencies_ms.end());
    const auto share = [&](double part) {
      return latencies_ms[static_cast<std::size_t>(part *
                                                   static_cast<double>(latencies_ms.size() - 1))];
    };
    std::printf(
        "{\"samples\": %zu, \"p50_ms\": %.2f, \"p90_ms\": %.2f, \"p99_ms\": %.2f, \"most_ms\": "
        "%.2f, \"frames_per_s\": %.0f}\n",
        latencies_ms.size(), share(0.5), share(0.9), share(0.99), share(1),
        static_cast<double>(last_ - first_) * 1e9 /
            static_cast<double>(sent_ns_[last_ - 1] - sent_ns_[first_]));
    return 0;
  }

  struct Seen {
    std::int64_t at_ns = 0;
    std::uint64_t users = 0;
  };

  const char* bootstrap_;
  const char* input_;
  const char* output_;
  bool windows_;
  std::size_t rate_;
  seconds warm_, measured_;
  std::size_t most_;
  std::size_t per_window_;  // frames
  std::uint64_t start_s_;   // ts of the first
  std::unique_ptr<std::atomic<std::int64_t>[]> sent_ns_;
  std::atomic<std::int64_t> first_result_ns_ = 0;
  std::atomic<std::size_t> first_ = 0, last_ = 0;  // frames that are measured
  std::vector<Seen> seen_;                         // the reader's, until it has ended
  std::size_t complete_ = 0;
};

int run(std::span<char*> words) {
  if (words.size() != 8) return std::fputs("usage: see the head of latency_probe.cc\n", stderr), 2;
  const auto number = [&](std::size_t index) { return std::atol(words[index]); };
  return Probe(words[1], words[2], words[3], words[4] == std::string_view{"windows"},
               static_cast<std::size_t>(number(5)), seconds(number(6)), seconds(number(7)))
      .run();
}

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  return millrace::benchmark::run({argv, static_cast<std::size_t>(argc)});
}
