#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "millrace/millrace.h"
#include "millrace/tests/simulation/transactional_feed.h"
#include "millrace/tests/simulation/world.h"

namespace millrace {
namespace {

/// Record by record: straight through, or cut by a key on the way. Nothing is lost; exactly once,
/// nothing comes twice, and what came from one partition, with one key where there is one, stays in
/// order.
class RecordWorld final : public World {
 public:
  RecordWorld(std::uint64_t seed, Trace trace, Guarantee guarantee);

  std::string describe() const override;
  std::optional<SimulationFailure> play() override;

 private:
  Simulator::Options options(std::uint64_t seed, Trace trace);
  void feed(std::int32_t partition, std::int64_t count);
  std::int64_t end_of(std::int32_t partition) const;
  void check();

  Guarantee guarantee_;
  Dice dice_;
  FaultPlan plan_;
  bool through_ = false;
  int runs_ = 0;  ///< bounded ones; 0: without end
  std::int32_t partitions_ = 1;
  std::int32_t middle_ = 1;
  std::int32_t sinks_ = 1;
  std::vector<std::int64_t> next_;  ///< number of the next record, by partition
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<TransactionalFeed> feed_;
};

/// Records are "<partition> <number>"; every seventh is left out.
bool is_kept(std::string_view value) {
  return std::strtoll(std::string(value.substr(value.find(' '))).c_str(), nullptr, 10) % 7 != 3;
}

Topology copy_records() {
  TopologyBuilder topology{"world"};
  topology.source("in", text()) | filter(is_kept) | to("out", text());
  auto built = topology.build();
  MILLRACE_CHECK(built.ok(), "the world's topology is right");
  return std::move(*built);
}

Topology cut_records(std::int32_t partitions) {
  TopologyBuilder topology{"world"};
  topology.source("in", text()) | filter(is_kept) |
      map([](std::string_view value) { return std::string(value); }) |
      key_by([](const std::string& value) { return value.back(); }) | through("cut", partitions) |
      map([](const std::string& value) { return std::string_view(value); }) | to("out", text());
  auto built = topology.build();
  MILLRACE_CHECK(built.ok(), "the world's topology is right");
  return std::move(*built);
}

RecordWorld::RecordWorld(std::uint64_t seed, Trace trace, Guarantee guarantee)
    : guarantee_(guarantee), dice_(seed) {
  through_ = dice_.chance(.6);
  runs_ = dice_.pick({0, 1, 2});
  partitions_ = dice_.pick({1, 2, 3});
  middle_ = dice_.pick({1, 2, 4});
  sinks_ = dice_.pick({1, 3});
  plan_ = pick_faults(dice_);
  if (guarantee_ == Guarantee::kAtLeastOnce) plan_.nap = 0;  // see the distinct world
  simulator_ = std::make_unique<Simulator>(options(seed, std::move(trace)));
  feed_ = std::make_unique<TransactionalFeed>(*simulator_);
  next_.resize(static_cast<std::size_t>(partitions_));
}

Simulator::Options RecordWorld::options(std::uint64_t seed, Trace trace) {
  ApplicationConfig config;
  config.threads = dice_.pick({1, 1, 2});
  config.guarantee = guarantee_;
  config.until_end = runs_ > 0;
  config.idle_after = std::chrono::milliseconds(dice_.pick({-1, 5000}));
  config.session_timeout = std::chrono::seconds(6);
  config.static_membership = dice_.chance(.15);
  config.batch.records = static_cast<std::size_t>(dice_.pick({1, 3, 10, 100}));
  config.commit_interval = std::chrono::milliseconds(dice_.pick({10, 100, 1000}));
  config.transaction_bytes = static_cast<std::size_t>(dice_.pick({100, 1 << 26, 1 << 26}));
  return {.driver = {.topology = through_ ? cut_records(middle_) : copy_records(),
                     .config = config,
                     .partitions = {{"in", partitions_}, {"out", sinks_}}},
          .seed = seed + 1,
          .instances = dice_.pick({1, 2, 3}),
          .faults = plan_,
          .tick = [this] { feed_->end(false); },
          .trace = std::move(trace)};
}

std::string RecordWorld::describe() const {
  const ApplicationConfig& config = simulator_->driver().config();
  return fmt::format(
      "records {}, {}, {} bounded runs: {} partitions to {}, {} threads each{}, batch {}, commit "
      "every {} ms; faults:{}",
      millrace::describe(guarantee_),
      through_ ? fmt::format("through {} partitions", middle_) : "straight", runs_, partitions_,
      sinks_, config.threads, config.static_membership ? " (static)" : "", config.batch.records,
      config.commit_interval.count(), millrace::describe(plan_));
}

void RecordWorld::feed(std::int32_t partition, std::int64_t count) {
  feed_->write("in", partition, count, [&](OutgoingRecord&, std::string& value) {
    value = fmt::format("{} {}", partition, next_[static_cast<std::size_t>(partition)]++);
  });
}

std::optional<SimulationFailure> RecordWorld::play() {
  Dice& dice = simulator_->dice();
  for (int run = 0; run < std::max(runs_, 1) && !simulator_->failure(); ++run) {
    if (run > 0) simulator_->next_run();
    for (std::int32_t i = 0; i < partitions_; ++i) feed(i, 1 + dice.below(30));
    for (int n = dice.pick({100, 400}); n > 0 && !simulator_->failure(); --n) {
      if (dice.chance(.05))
        feed(static_cast<std::int32_t>(dice.below(partitions_)), 1 + dice.below(10));
      simulator_->step();
    }
    feed_->end(true);
    simulator_->settle();
  }
  if (!simulator_->failure()) check();
  return simulator_->failure();
}

std::int64_t RecordWorld::end_of(std::int32_t partition) const {
  if (runs_ == 0) return kEndOfTime;
  const auto found = simulator_->committed().find({"in", partition});
  return found == simulator_->committed().end() ? 0 : found->second.metadata.end_offset;
}

void RecordWorld::check() {
  std::vector<std::string> want;
  for (const OutputRecord& record : simulator_->driver().read_output("in"))
    if (record.offset < end_of(record.partition) && is_kept(*record.value))
      want.push_back(*record.value);
  std::vector<std::string> got;
  std::map<std::tuple<std::int32_t, std::string, char>, std::int64_t> last;  // sink, source, key
  for (const OutputRecord& record : simulator_->driver().read_output("out")) {
    got.push_back(*record.value);
    const std::size_t space = record.value->find(' ');
    const std::int64_t number = std::strtoll(record.value->c_str() + space, nullptr, 10);
    std::int64_t& before = last.try_emplace({record.partition, record.value->substr(0, space),
                                             through_ ? record.value->back() : ' '},
                                            -1)
                               .first->second;
    if (number <= before && !repeats(guarantee_, plan_))
      return simulator_->fail("order", fmt::format("'{}' comes behind number {} in partition {}",
                                                   *record.value, before, record.partition));
    before = number;
  }
  std::ranges::sort(want);
  std::ranges::sort(got);
  if (repeats(guarantee_, plan_)) got.erase(std::ranges::unique(got).begin(), got.end());
  if (got == want) return;
  const auto differ = std::ranges::mismatch(got, want);
  simulator_->fail(
      "results", fmt::format("{} records, not {}; '{}' where '{}' is due", got.size(), want.size(),
                             differ.in1 == got.end() ? "nothing" : *differ.in1,
                             differ.in2 == want.end() ? "nothing" : *differ.in2));
}

}  // namespace

std::unique_ptr<World> make_record_world(std::uint64_t seed, Trace trace, Guarantee guarantee) {
  return std::make_unique<RecordWorld>(seed, std::move(trace), guarantee);
}

}  // namespace millrace
