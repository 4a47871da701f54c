#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/offset_metadata_format.h"
#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/topology/faulty_broker.h"

namespace millrace {

/// Picks by a seed; the same everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : generator_(seed) {}
  bool chance(double probability) {
    return static_cast<double>(generator_() >> 11) * 0x1p-53 < probability;
  }
  /// In [0, below).
  std::int64_t below(std::int64_t below) {
    return static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(below));
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<std::int64_t>(choices.size())));
  }

 private:
  std::mt19937_64 generator_;
};

/// One random world around distinct_count: input with late, flipped, broken and transactional
/// records; instances that join, leave, crash, sleep and are disturbed; a broker with faults. Then
/// what was committed is compared with a naive count over the input.
class DistinctWorld {
 public:
  explicit DistinctWorld(std::uint64_t seed);

  /// Plays it. What went wrong; none if nothing did.
  std::optional<std::string> play();
  /// What the seed chose, for messages.
  std::string describe() const;

 private:
  enum class Mode { kBounded, kTwoRuns, kContinuous, kIdle, kLateIdle };
  struct Plan {
    double crash = 0, leave = 0, disturb = 0, sleep = 0, fault = 0;
  };
  /// One thread-carrying process and what the world has in mind for it.
  struct Process {
    std::string id;
    bool up = false;
    bool done = false;  ///< left at the end of its run
    std::int64_t until_ms = 0;
  };
  struct Feed {
    std::unique_ptr<Producer> producer;
    std::int64_t until_ms;
    bool commit;
  };
  struct Row {
    std::int64_t offset;
    std::optional<std::int64_t> event_ms;
    std::string user;
    std::int64_t timestamp_ms;
  };
  using Key = std::pair<std::int64_t, std::int64_t>;  ///< end, length
  struct Counted {
    std::set<std::string> users;
    std::int64_t frames = 0;
  };
  struct Oracle {
    std::map<Key, Counted> windows;
    std::vector<std::pair<std::int32_t, std::int64_t>> dead;
    std::int64_t accepted = 0;
    std::int64_t late = 0;
    std::int64_t lowest_mark = kEndOfTime;
    std::int64_t highest_mark = kNoTime;
  };
  struct Committed {
    std::int64_t offset = 0;
    OffsetMetadata metadata;
  };

  bool bounded() const { return mode_ == Mode::kBounded || mode_ == Mode::kTwoRuns; }
  bool idles() const { return mode_ == Mode::kIdle || mode_ == Mode::kLateIdle; }
  std::int64_t now() const { return driver_->clock().wall_ms(); }

  void feed(std::int32_t partition, std::int64_t count);
  void end_feeds(bool all);
  void faults();
  void step();
  void start(Process& process);
  void settle();
  void turn(Process& process);
  void note_commits();
  void wrong(std::string what) {
    if (!wrong_) wrong_ = std::move(what);
  }

  std::vector<Row> rows(std::int32_t partition) const;
  void count(std::int32_t partition, Oracle& oracle) const;
  std::int64_t highest_expired_ms() const;
  void check();

  std::uint64_t seed_;
  Dice dice_;
  Mode mode_ = Mode::kBounded;
  Plan plan_;
  std::int32_t partitions_ = 1;
  std::int32_t shards_ = 1;
  std::vector<std::int64_t> durations_;
  std::int64_t grace_ms_ = 0;
  bool guard_ = false;
  bool live_ = false;  ///< the input's times follow the clock
  int threads_ = 1;

  std::vector<std::int64_t> clock_s_;  ///< of the producers, by partition
  std::vector<Process> processes_;
  std::vector<Feed> feeds_;
  int feed_count_ = 0;
  std::optional<std::string> wrong_;
  Faults faults_;
  std::unique_ptr<TopologyTestDriver> driver_;
  std::map<TopicPartition, std::string> last_text_;
  std::map<TopicPartition, Committed> last_;
  std::map<std::int32_t, std::vector<std::int64_t>> ends_;
  std::set<std::uint32_t> runs_;
};

}  // namespace millrace
