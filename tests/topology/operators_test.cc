#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using testing::ElementsAre;

TEST(Operators, FilterKeepsWhatHolds) {
  TopologyBuilder topology{"filters"};
  topology.source("in", decimal_integer()) | filter([](std::int64_t n) { return n > 2; }) |
      to("out", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build()});
  for (const char* n : {"1", "2", "3", "4"}) driver.pipe_input("in", {.value = n});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("3", "4"));
}

}  // namespace
}  // namespace millrace
