#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "millrace/tests/simulation/world.h"

namespace millrace {
namespace {

constexpr std::uint64_t kSeeds = 500;
constexpr int kEnough = 10;  // failures; the rest would tell nothing new

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// One world again, with all that happens in it: ./dev simulate --first 417 --seeds 1 --trace.
TEST(Simulation, CommitsWhatANaiveCountOfTheInputGives) {
  const std::uint64_t first = number_from_environment("MILLRACE_FIRST_SEED", 0);
  const std::uint64_t seeds = number_from_environment("MILLRACE_SEEDS", kSeeds);
  Trace trace;
  if (std::getenv("MILLRACE_TRACE") != nullptr)
    trace = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  int wrong = 0;
  for (std::uint64_t seed = first; seed < first + seeds && wrong < kEnough; ++seed) {
    const auto world = make_world(seed, trace);
    if (trace) trace(fmt::format("seed {}: {}", seed, world->describe()));
    if (const auto problem = world->play()) {
      ++wrong;
      ADD_FAILURE() << fmt::format(
          "seed {} ({}): {}\n  {}\n  again: ./dev simulate --first {} --seeds 1 --trace", seed,
          problem->check, problem->text, world->describe(), seed);
    }
  }
}

}  // namespace
}  // namespace millrace
