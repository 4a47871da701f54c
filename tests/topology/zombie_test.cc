#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "millrace/millrace.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::ElementsAre;

Topology cut() {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | through("cut", 1) | to("out", decimal_integer());
  return *topology.build();
}

/// It stands still within a fetch until another member has taken its tasks, gone on, and purged
/// what both read.
TEST(Zombie, WhoseInputWasPurgedMeanwhileLivesOn) {
  Faults faults;
  TopologyTestDriver driver({.topology = cut(), .wrap_broker = [&](Broker& broker) {
                               return std::make_unique<FaultyBroker>(broker, faults);
                             }});
  driver.pipe_input("in", {.value = "1"});
  driver.run_until_idle();
  bool asleep = false;
  faults.at = [&](Faults::Point point) {
    if (asleep || point != Faults::Point::kPoll) return Faults::Fault::kNone;
    asleep = true;
    driver.advance(30s);
    EXPECT_TRUE(driver.add_instance("instance-2"));
    driver.pipe_input("in", {.value = "2"});
    for (int i = 0; i < 200; ++i) {
      driver.advance(100ms);
      driver.turn("instance-2");
    }
    driver.pipe_input("in", {.value = "3"});
    return Faults::Fault::kNone;
  };
  driver.turn("instance-1");
  EXPECT_TRUE(asleep);
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(driver.instances(), ElementsAre("instance-1", "instance-2"));
}

}  // namespace
}  // namespace millrace
