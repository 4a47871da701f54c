#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/run_counters.h"
#include "millrace/tests/simulation/distinct_oracle.h"
#include "millrace/tests/simulation/rocksdb_disks.h"
#include "millrace/tests/simulation/transactional_feed.h"
#include "millrace/tests/simulation/world.h"

namespace millrace {

/// A world around distinct_count: input with late, flipped, broken and transactional records, one
/// or more windows, shards and runs, idle sources.
class DistinctWorld final : public World {
 public:
  DistinctWorld(std::uint64_t seed, Trace trace, Guarantee guarantee);

  std::string describe() const override;
  std::optional<SimulationFailure> play() override;

 private:
  enum class Mode { kBounded, kTwoRuns, kContinuous, kIdle, kLateIdle };
  struct Final {
    std::int64_t users = 0;
    std::int64_t frames = 0;
  };

  bool bounded() const { return mode_ == Mode::kBounded || mode_ == Mode::kTwoRuns; }
  bool idles() const { return mode_ == Mode::kIdle || mode_ == Mode::kLateIdle; }
  std::int64_t wall_s() { return simulator_->driver().clock().wall_ms() / 1000; }
  bool repeats() const { return millrace::repeats(guarantee_, plan_); }
  void wrong(std::string check, std::string text) {
    simulator_->fail(std::move(check), std::move(text));
  }

  Simulator::Options options(std::uint64_t seed, Trace trace);
  void feed(std::int32_t partition, std::int64_t count);
  void play_run();
  void settle();

  DistinctOracle oracle() const;
  std::int64_t highest_expired_ms() const;
  void check();
  bool check_dead(DistinctOracle& want);
  bool check_counters(const DistinctOracle& want, const RunCounters& got);
  void check_exact(const DistinctOracle& want);
  void check_at_least(const DistinctOracle& want, const RunCounters& counters,
                      std::map<DistinctOracle::Key, Final> final);
  void check_final(const DistinctOracle& want, const RunCounters& counters,
                   std::map<DistinctOracle::Key, Final> final);

  std::uint64_t seed_;
  Guarantee guarantee_;
  Dice dice_;  ///< for the choice of the world; what happens in it is the simulator's
  DistinctRules rules_;
  FaultPlan plan_;
  Mode mode_ = Mode::kBounded;
  std::int32_t partitions_ = 1;
  std::int32_t shards_ = 1;
  std::int64_t memory_bytes_ = -1;     ///< for sets, of each process; negative: without a limit
  bool live_ = false;                  ///< the input's times follow the clock
  std::vector<std::int64_t> clock_s_;  ///< of the producers, by partition
  std::optional<RocksdbDisks> disks_;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<TransactionalFeed> feed_;
  std::vector<std::vector<std::int64_t>> out_;  ///< end, length, users, frames, revision
};

}  // namespace millrace
