#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "millrace/tests/kit/simulator.h"

namespace millrace {

using Trace = std::function<void(const std::string&)>;

/// One simulated world: a topology, its input, its faults, and a naive count of what must come out.
/// All of it is decided by a seed.
class World {
 public:
  virtual ~World() = default;
  /// What the seed chose, for messages.
  virtual std::string describe() const = 0;
  /// Plays it to its end. What went wrong; none if nothing did.
  virtual std::optional<SimulationFailure> play() = 0;
};

/// The world of this seed, of any kind. `trace` as for the Simulator.
std::unique_ptr<World> make_world(std::uint64_t seed, Trace trace = {});

std::unique_ptr<World> make_distinct_world(std::uint64_t seed, Trace trace,
                                           Guarantee guarantee = Guarantee::kExactlyOnce);
std::unique_ptr<World> make_keyed_world(std::uint64_t seed, Trace trace);
std::unique_ptr<World> make_merge_world(std::uint64_t seed, Trace trace);
std::unique_ptr<World> make_record_world(std::uint64_t seed, Trace trace,
                                         Guarantee guarantee = Guarantee::kExactlyOnce);

/// Lets changelogs be compacted, and lose their tombstones, within a world's short life.
void shorten_compaction(Simulator::Options& options);

/// One seed in twenty keeps its state in RocksDB, the others on simulated disks.
bool keeps_in_rocksdb(std::uint64_t seed);

/// Faults as a seed chooses them, in one line.
FaultPlan pick_faults(Dice& dice);
std::string describe(const FaultPlan& plan);
std::string_view describe(Guarantee guarantee);
/// Records may be processed again, and their results written again: at least once, under a plan
/// that lets processes die, sleep, or be refused.
bool repeats(Guarantee guarantee, const FaultPlan& plan);

}  // namespace millrace
