#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/topology/faulty_broker.h"

namespace millrace {

/// One random world around the aggregations per key: a bounded input, instances that join, leave,
/// crash and are disturbed, a broker with faults. Then what was committed is compared with a naive
/// fold over the input.
class KeyedWorld {
 public:
  explicit KeyedWorld(std::uint64_t seed);

  /// Plays it. What went wrong; none if nothing did.
  std::optional<std::string> play();
  /// What the seed chose, for messages.
  std::string describe() const;

 private:
  /// What is aggregated, and when results come.
  enum class Kind { kCount, kSumOnCommit, kReduce, kClosedCount, kClosedSum, kOpenCount };
  struct Plan {
    double crash = 0, leave = 0, disturb = 0, fault = 0;
  };
  struct Process {
    std::string id;
    bool up = false;
    bool done = false;  ///< left at the end of its run
    std::int64_t until_ms = 0;
  };
  struct Row {
    std::int64_t end_ms = 0;  ///< of windowed kinds; results are ordered by it, length, key
    std::int64_t length_ms = 0;
    std::string key;
    std::int64_t value = 0;
    auto operator<=>(const Row&) const = default;
  };

  bool chance(double probability) {
    return static_cast<double>(generator_() >> 11) * 0x1p-53 < probability;
  }
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(limit));
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<std::int64_t>(choices.size())));
  }
  void wrong(std::string what) {
    if (!wrong_) wrong_ = std::move(what);
  }

  bool windowed() const { return kind_ >= Kind::kClosedCount; }
  Topology topology() const;
  void feed(std::int32_t partition, std::int64_t count);
  void allow_faults(bool allowed);
  void start(Process& process);
  void turn(Process& process);
  void step();
  void settle();
  std::vector<std::vector<Row>> output() const;
  void check_keys();
  void check_windows();

  std::uint64_t seed_;
  std::mt19937_64 generator_;
  Kind kind_ = Kind::kCount;
  bool rekeyed_ = false;  ///< the input is not dealt out by key
  std::int32_t partitions_ = 1;
  std::vector<std::int64_t> durations_;
  std::int64_t grace_ms_ = 0;
  int threads_ = 1;
  Plan plan_;

  std::vector<Process> processes_;
  std::optional<std::string> wrong_;
  Faults faults_;
  std::unique_ptr<TopologyTestDriver> driver_;
};

}  // namespace millrace
