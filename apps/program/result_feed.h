#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "millrace/apps/program/newest_results.h"
#include "millrace/apps/program/result_topic.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"

namespace millrace {

/// The newest results of an application as its topic holds them: committed, and nothing else.
///
/// Read by a thread and a consumer of its own, so that it costs the processing nothing: from near
/// the end of the topic on, begun by the first question and ended when none has come for kIdle.
/// Thread-safe. Broker and clock must outlive it.
class ResultFeed {
 public:
  static constexpr std::chrono::milliseconds kIdle{30'000};

  ResultFeed(Broker& broker, const Clock& clock, std::string topic);
  /// Ends the reading; where a broker is away that may take as long as one call of Admin.
  ~ResultFeed();
  ResultFeed(const ResultFeed&) = delete;
  ResultFeed& operator=(const ResultFeed&) = delete;

  /// What has come since the answer that held this cursor, and all there is to a cursor that is
  /// empty, or of a reading that has ended; then "anew" is true. Does not wait: "complete" says
  /// whether all was read that the topic held when the reading began.
  ///
  /// {"topic":"users","cursor":"1700000000000.2","anew":true,"complete":true,"earlier":false,
  /// "error":null,"results":[{"window":"60","start_ms":1468244340000,"duration_ms":60000,
  /// "users":955,"frames":1143,"final":true,"revision":0}]}
  std::string json(std::string_view cursor);
  /// Whether there is a reading now.
  bool reading();

 private:
  void read();
  Status read_topic();
  void begin(ResultTopic& topic);
  Status follow(ResultTopic& topic);
  bool over() const;

  Broker& broker_;
  const Clock& clock_;
  const std::string topic_;

  std::mutex mutex_;  // for all that follows
  std::condition_variable stopping_;
  bool stop_ = false;
  bool reading_ = false;
  std::int64_t asked_ms_ = 0;  // monotonic
  std::int64_t begun_ms_ =
      0;  // names what results_ was read from: Unix ms, and no two are the same
  ResultTopic* open_ = nullptr;
  bool complete_ = false;
  bool earlier_ = false;
  std::string error_;
  NewestResults results_;
  std::thread thread_;
};

}  // namespace millrace
