#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"

namespace millrace {

/// A producer that keeps what it is given, and answers what a test has prepared.
class RecordingProducer final : public Producer {
 public:
  struct Sent {
    std::string topic;
    std::int32_t partition;
    std::string key;
    std::string value;
    std::map<std::string, std::string> headers;
  };

  Status init_transactions() override { return {}; }
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
  std::size_t queued_bytes() const override { return 0; }
  Status flush(std::chrono::milliseconds) override { return {}; }
  Status send_offsets(std::span<const PartitionOffset>, const GroupMetadata&) override {
    return {};
  }
  Status commit() override { return {}; }
  Status abort() override { return {}; }
  std::optional<std::int64_t> delivered_offset(const TopicPartition&) const override {
    return std::nullopt;
  }

  Status begin_status;
  std::deque<Status> answers;  ///< to produce(), in order; then OK
  std::function<void(std::chrono::milliseconds)> on_poll;
  std::vector<Sent> sent;
  int begun = 0;
  int polled = 0;
};

}  // namespace millrace
