#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "millrace/tests/framework/null_producer.h"

namespace millrace {

/// A producer that keeps what it is given, and answers what a test has prepared.
class RecordingProducer final : public NullProducer {
 public:
  struct Sent {
    std::string topic;
    std::int32_t partition;
    std::string key;
    std::string value;
    std::map<std::string, std::string> headers;
  };

  Status begin() override {
    ++begun;
    return begin_status;
  }
  Status produce(const OutgoingRecord& record) override {
    if (!answers.empty()) {
      const Status answer = answers.front();
      answers.pop_front();
      if (!answer.ok()) return answer;
    }
    Sent& kept = sent.emplace_back(Sent{std::string(record.topic),
                                        record.partition,
                                        std::string(record.key),
                                        std::string(record.value),
                                        {}});
    for (const Header& header : record.headers) kept.headers.emplace(header.name, header.value);
    return {};
  }
  void poll(std::chrono::milliseconds timeout) override {
    ++polled;
    if (on_poll) on_poll(timeout);
  }

  Status begin_status;
  std::deque<Status> answers;  ///< to produce(), in order; then OK
  std::function<void(std::chrono::milliseconds)> on_poll;
  std::vector<Sent> sent;
  int begun = 0;
  int polled = 0;
};

}  // namespace millrace
