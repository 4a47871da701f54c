#include "millrace/tests/simulation/world.h"

#include <fmt/format.h>

#include <utility>

namespace millrace {

std::unique_ptr<World> make_world(std::uint64_t seed, Trace trace) {
  // By the seed itself, so that a kind that is added later changes few of the others' seeds.
  if (seed >= 100 && seed % 10 == 3) return make_merge_world(seed, std::move(trace));
  switch (seed % 8) {
    case 5:
    case 6:
      return make_keyed_world(seed, std::move(trace));
    case 7:
      if (seed % 32 == 23)
        return make_distinct_world(seed, std::move(trace), Guarantee::kAtLeastOnce);
      if (seed % 32 == 31)
        return make_record_world(seed, std::move(trace), Guarantee::kAtLeastOnce);
      return make_record_world(seed, std::move(trace));
    default:
      return make_distinct_world(seed, std::move(trace));
  }
}

void shorten_compaction(Simulator::Options& options) {
  constexpr std::chrono::milliseconds kRetention{40'000};
  options.driver.compaction_floor_bytes = 256;
  options.driver.config.changelog_delete_retention = kRetention;
  options.state_usable_for = kRetention / 2;
}

bool keeps_in_rocksdb(std::uint64_t seed) {
  return seed % 40 == 21 || seed % 40 == 17;  // a keyed world, and a distinct one
}

FaultPlan pick_faults(Dice& dice) {
  FaultPlan plan =
      dice.pick<FaultPlan>({{},
                            {.crash = .01},
                            {.leave = .01},
                            {.disturb = .02},
                            {.sleep = .02},
                            {.sleep = .005, .nap = .01},
                            {.crash = .005, .nap = .03},
                            {.crash = .02, .lost = .3, .old_copy = .3},
                            {.crash = .005, .leave = .005, .sleep = .01, .disturb = .01},
                            {.fault = .05},
                            {.crash = .005, .nap = .005, .disturb = .01, .fault = .2}});
  plan.lost = plan.lost > 0 ? plan.lost : dice.pick({0., .2, 1.});
  return plan;
}

std::string_view describe(Guarantee guarantee) {
  return guarantee == Guarantee::kExactlyOnce ? "exactly once" : "at least once";
}

bool repeats(Guarantee guarantee, const FaultPlan& plan) {
  return guarantee == Guarantee::kAtLeastOnce &&
         plan.crash + plan.leave + plan.sleep + plan.nap + plan.disturb + plan.fault > 0;
}

std::string describe(const FaultPlan& plan) {
  std::string text;
  const auto add = [&](std::string_view name, double probability) {
    if (probability > 0) text += fmt::format(" {} {}", name, probability);
  };
  add("crash", plan.crash);
  add("leave", plan.leave);
  add("sleep", plan.sleep);
  add("nap", plan.nap);
  add("disturb", plan.disturb);
  add("fault", plan.fault);
  add("lost disk", plan.lost);
  add("old disk", plan.old_copy);
  add("leap", plan.leap);
  add("wall", plan.wall);
  return text.empty() ? " none" : text;
}

}  // namespace millrace
