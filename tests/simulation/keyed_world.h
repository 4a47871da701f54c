#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/tests/simulation/rocksdb_disks.h"
#include "millrace/tests/simulation/transactional_feed.h"
#include "millrace/tests/simulation/world.h"

namespace millrace {

/// A world around the aggregations per key, and per key and window: a bounded input, and a naive
/// fold over it.
class KeyedWorld final : public World {
 public:
  KeyedWorld(std::uint64_t seed, Trace trace);

  std::string describe() const override;
  std::optional<SimulationFailure> play() override;

 private:
  /// What is aggregated, and when results come.
  enum class Kind { kCount, kSumOnCommit, kReduce, kClosedCount, kClosedSum, kOpenCount };
  struct Row {
    std::int64_t end_ms = 0;  ///< of windowed kinds; results are ordered by it, length, key
    std::int64_t length_ms = 0;
    std::string key;
    std::int64_t value = 0;
    auto operator<=>(const Row&) const = default;
  };

  void wrong(std::string text) { simulator_->fail("results", std::move(text)); }
  bool windowed() const { return kind_ >= Kind::kClosedCount; }
  Topology topology() const;
  Simulator::Options options(std::uint64_t seed, Trace trace);
  void feed(std::int32_t partition, std::int64_t count);
  std::vector<OutputRecord> input() const;
  std::vector<std::vector<Row>> output() const;
  void check_keys();
  void check_windows();

  Dice dice_;  ///< for the choice of the world; what happens in it is the simulator's
  Kind kind_ = Kind::kCount;
  bool rekeyed_ = false;  ///< the input is not dealt out by key
  std::int32_t partitions_ = 1;
  std::vector<std::int64_t> durations_;
  std::int64_t grace_ms_ = 0;
  FaultPlan plan_;
  std::optional<RocksdbDisks> disks_;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<TransactionalFeed> feed_;
};

}  // namespace millrace
