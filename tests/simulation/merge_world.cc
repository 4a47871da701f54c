#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "millrace/apps/sorted_merge/topology.h"
#include "millrace/tests/simulation/transactional_feed.h"
#include "millrace/tests/simulation/world.h"

namespace millrace {
namespace {

/// Sorted partitions merged into one, read by one task or by readers. What comes out is a stable
/// sort of what went in, by key, partition and offset; records that break the order of their
/// partition are dead-lettered where the seed plants some.
class MergeWorld final : public World {
 public:
  MergeWorld(std::uint64_t seed, Trace trace);

  std::string describe() const override;
  std::optional<SimulationFailure> play() override;

 private:
  /// A record as it was put in.
  struct Entry {
    std::int64_t key = 0;
    std::int64_t offset = 0;
    std::string value;
  };

  Simulator::Options options(std::uint64_t seed, Trace trace);
  void feed(std::int32_t partition, std::int64_t count);
  using Inputs = std::vector<std::vector<Entry>>;
  Inputs sorted_inputs(Inputs& dead) const;
  std::vector<std::string> expected(const Inputs& inputs, const Inputs& dead,
                                    std::vector<std::string>& refused) const;
  void check();

  Dice dice_;
  FaultPlan plan_;
  SortedMergeOptions merge_;
  int runs_ = 0;  ///< bounded ones; 0: without end
  std::int32_t partitions_ = 1;
  double disorder_ = 0;
  int step_ = 1;  ///< how far keys are apart
  std::vector<std::int64_t> next_;
  std::int64_t written_ = 0;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<TransactionalFeed> feed_;
};

MergeWorld::MergeWorld(std::uint64_t seed, Trace trace) : dice_(seed) {
  merge_.inputs = {"in"};
  merge_.output = "out";
  merge_.by = "json:/key";
  merge_.on_disorder = OnDisorder::kDeadLetter;
  merge_.readers = dice_.chance(.5);
  merge_.descending = dice_.chance(.2);
  runs_ = dice_.pick({0, 1, 2});
  partitions_ = dice_.pick({1, 2, 3, 5});
  disorder_ = dice_.pick({0., 0., .1});
  step_ = dice_.pick({1, 3, 100});
  plan_ = pick_faults(dice_);
  simulator_ = std::make_unique<Simulator>(options(seed, std::move(trace)));
  feed_ = std::make_unique<TransactionalFeed>(*simulator_);
  next_.resize(static_cast<std::size_t>(partitions_));
}

Simulator::Options MergeWorld::options(std::uint64_t seed, Trace trace) {
  ApplicationConfig config;
  config.threads = dice_.pick({1, 1, 2});
  config.until_end = runs_ > 0;
  config.idle_after = std::chrono::milliseconds(-1);
  config.session_timeout = std::chrono::seconds(6);
  config.batch.records = static_cast<std::size_t>(dice_.pick({1, 3, 10, 100}));
  config.commit_interval = std::chrono::milliseconds(dice_.pick({10, 100, 1000}));
  config.transaction_bytes = static_cast<std::size_t>(dice_.pick({100, 1 << 26, 1 << 26}));
  config.on_bad_record = BadRecordPolicy::kDeadLetter;
  config.dead_letter_topic = "dead";
  auto topology = sorted_merge(merge_);
  MILLRACE_CHECK(topology.ok(), "the world's topology is right");
  return {.driver = {.topology = std::move(*topology),
                     .config = config,
                     .partitions = {{"in", partitions_}}},
          .seed = seed + 1,
          .instances = dice_.pick({1, 2, 3}),
          .faults = plan_,
          .tick = [this] { feed_->end(false); },
          .trace = std::move(trace)};
}

std::string MergeWorld::describe() const {
  const ApplicationConfig& config = simulator_->driver().config();
  return fmt::format(
      "merge{}{}, {} bounded runs: {} partitions, {} threads each, disorder {}, batch {}, commit "
      "every {} ms; faults:{}",
      merge_.readers ? " with readers" : "", merge_.descending ? ", descending" : "", runs_,
      partitions_, config.threads, disorder_, config.batch.records, config.commit_interval.count(),
      millrace::describe(plan_));
}

void MergeWorld::feed(std::int32_t partition, std::int64_t count) {
  std::int64_t& next = next_[static_cast<std::size_t>(partition)];
  feed_->write("in", partition, count, [&](OutgoingRecord&, std::string& value) {
    next += dice_.below(step_ + 1);
    std::int64_t key = dice_.chance(disorder_) ? next - 1 - dice_.below(50) : next;
    if (merge_.descending) key = -key;
    value = fmt::format(R"({{"n":{},"p":{},"key":{}}})", written_++, partition, key);
  });
}

std::optional<SimulationFailure> MergeWorld::play() {
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

/// What each partition holds in order, and what breaks it.
MergeWorld::Inputs MergeWorld::sorted_inputs(Inputs& dead) const {
  Inputs inputs(static_cast<std::size_t>(partitions_));
  dead.resize(inputs.size());
  for (const OutputRecord& record : simulator_->driver().read_output("in")) {
    const std::string& text = *record.value;
    std::int64_t key = std::strtoll(text.c_str() + text.rfind(':') + 1, nullptr, 10);
    if (merge_.descending) key = -key;
    std::vector<Entry>& input = inputs[static_cast<std::size_t>(record.partition)];
    const bool breaks = !input.empty() && key < input.back().key;
    (breaks ? dead[static_cast<std::size_t>(record.partition)] : input)
        .push_back({key, record.offset, text});
  }
  return inputs;
}

/// The merge by the book: the least of the heads, the first partition of equals; a partition
/// without one stops a merge without end.
std::vector<std::string> MergeWorld::expected(const Inputs& inputs, const Inputs& dead,
                                              std::vector<std::string>& refused) const {
  std::vector<std::string> result;
  std::vector<std::size_t> heads(inputs.size());
  std::set<std::uint32_t> runs;
  for (const auto& [partition, committed] : simulator_->committed())
    if (partition.topic == "in") runs.insert(committed.runs.begin(), committed.runs.end());
  // A partition without an end of its own in a run has not been read on in it.
  const auto end_in_run = [&](std::size_t i, std::uint32_t run) {
    if (runs_ == 0) return kEndOfTime;
    std::int64_t end = 0;
    const auto found = simulator_->committed().find({"in", static_cast<std::int32_t>(i)});
    if (found != simulator_->committed().end())
      for (const auto& [number, its_end] : found->second.end_of_run)
        if (number <= run) end = its_end;
    return end;
  };
  for (const std::uint32_t run : runs) {
    const auto end_of = [&](std::size_t i) { return end_in_run(i, run); };
    for (;;) {
      const Entry* least = nullptr;
      std::size_t from = 0;
      bool waits = false;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (heads[i] == inputs[i].size() || inputs[i][heads[i]].offset >= end_of(i)) {
          waits = waits || runs_ == 0;
          continue;
        }
        const Entry& head = inputs[i][heads[i]];
        if (least == nullptr || head.key < least->key) {
          least = &head;
          from = i;
        }
      }
      if (least == nullptr || waits) break;
      result.push_back(least->value);
      ++heads[from];
    }
  }
  // A record that is refused waits for its turn as well; readers do not wait for anybody.
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::int64_t end = end_in_run(i, std::numeric_limits<std::uint32_t>::max());
    if (!merge_.readers && heads[i] < inputs[i].size())
      end = std::min(end, inputs[i][heads[i]].offset);
    for (const Entry& entry : dead[i])
      if (entry.offset < end) refused.push_back(entry.value);
  }
  return result;
}

void MergeWorld::check() {
  Inputs dead;
  const Inputs inputs = sorted_inputs(dead);
  std::vector<std::string> due;
  const std::vector<std::string> want = expected(inputs, dead, due);
  const std::vector<std::string> got = simulator_->driver().values("out");
  if (got != want) {
    const auto differ = std::ranges::mismatch(got, want);
    return simulator_->fail(
        "results",
        fmt::format("{} records, not {}; at {}: '{}' where '{}' is due", got.size(), want.size(),
                    differ.in1 - got.begin(), differ.in1 == got.end() ? "nothing" : *differ.in1,
                    differ.in2 == want.end() ? "nothing" : *differ.in2));
  }
  std::vector<std::string> refused = simulator_->driver().values("dead");
  std::ranges::sort(refused);
  std::ranges::sort(due);
  if (refused != due)
    simulator_->fail("dead letters",
                     fmt::format("{}, not {}: each of them once", refused.size(), due.size()));
}

}  // namespace

std::unique_ptr<World> make_merge_world(std::uint64_t seed, Trace trace) {
  return std::make_unique<MergeWorld>(seed, std::move(trace));
}

}  // namespace millrace
