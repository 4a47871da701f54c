#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

struct Visit {
  std::chrono::sys_seconds time;
  std::string_view user;
};

/// A year of commits, each with a new user: what a restore must read grows with the users, not with
/// the commits.
TEST(ChangelogSize, OfALongWindowIsBoundedByItsContent) {
  const int commits = std::getenv("MILLRACE_TEST_LONG") != nullptr ? 1'000'000 : 20'000;
  TopologyBuilder topology{"year"};
  topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
      event_time(&Visit::time, lateness(std::chrono::seconds(5)), no_jump_guard()) |
      windows({calendar_year()}) | distinct_count("users", &Visit::user) |
      to("out", window_stats_json());
  ApplicationConfig config;
  config.commit_interval = std::chrono::milliseconds(50);
  TopologyTestDriver driver({.topology = *topology.build(), .config = config});
  for (int i = 0; i < commits; ++i) {
    driver.pipe_input(
        "in", {.value = fmt::format(R"({{"ts":{},"uid":"user-{}"}})", 1'468'244'384 + i / 10, i)});
    for (int turn = 0; turn < 3; ++turn) {
      driver.advance(std::chrono::milliseconds(60));
      if (i == 0)
        driver.run_until_idle();
      else
        driver.turn("instance-1");
    }
    ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  }
  driver.run_until_idle();

  std::map<std::string, std::size_t> live;
  for (const OutputRecord& record : driver.read_output("year-users-changelog")) {
    if (record.value)
      live[*record.key] = record.value->size();
    else
      live.erase(*record.key);
  }
  std::size_t fingerprints = 0;
  for (const auto& [key, bytes] : live)
    if (key.front() == 'd') fingerprints += bytes / 16;
  EXPECT_EQ(fingerprints, static_cast<std::size_t>(commits));
  // 63 parts of each of the levels, each 64 times larger than those of the one below.
  EXPECT_LT(live.size(), 4 * 64 + static_cast<std::size_t>(commits) / 32'768 + 8);
}

}  // namespace
}  // namespace millrace
