#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/record.h"
#include "millrace/framework/record_info.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {

/// What a distinct world counts and how, apart from the input.
struct DistinctRules {
  static constexpr std::int64_t kLatenessMs = 5'000;
  static constexpr std::int64_t kGuardMs = 3'600'000;

  std::vector<std::int64_t> durations_s;
  std::int64_t grace_ms = 0;
  bool guard = false;
  std::optional<int> precision;  ///< of the sketch; none: exact
};

/// A naive count of distinct users per window, straight from the input, partition by partition:
/// so it cannot depend on how they interleave.
class DistinctOracle {
 public:
  using Key = std::pair<std::int64_t, std::int64_t>;  ///< end, length, in ms
  struct Counted {
    std::set<std::string> users;
    std::int64_t frames = 0;
  };

  explicit DistinctOracle(const DistinctRules& rules) : rules_(rules) {}

  /// Counts one partition's records, as committed. `cuts`: the end offsets of its bounded runs, in
  /// their order; kEndOfTime for one without end.
  void count(std::int32_t partition, const std::vector<OutputRecord>& records,
             const std::vector<std::int64_t>& cuts);

  /// Of a window with these users, as the topology has to tell it.
  std::int64_t users(const Counted& counted) const;

  std::map<Key, Counted> windows;
  std::vector<std::pair<std::int32_t, std::int64_t>> dead;  ///< partition, offset
  std::int64_t accepted = 0;
  std::int64_t late = 0;
  std::int64_t lowest_mark = kEndOfTime;  ///< over the partitions' watermarks
  std::int64_t highest_mark = kNoTime;

 private:
  struct Row {
    std::int64_t offset;
    std::optional<std::int64_t> event_ms;
    std::string user;
    std::int64_t timestamp_ms;
  };
  enum class Verdict { kAccept, kRefuse, kWait };

  static Row row_of(const OutputRecord& record);
  Verdict judge(const std::vector<Row>& run, std::size_t index, std::optional<std::int64_t> high,
                bool bounded) const;
  void add(const Row& row, std::optional<std::int64_t> high);

  const DistinctRules& rules_;
};

}  // namespace millrace
