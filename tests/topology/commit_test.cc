#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/topology/faulty_broker.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using Point = Faults::Point;
using Fault = Faults::Fault;

class Commit : public testing::Test {
 protected:
  void SetUp() override {
    TopologyBuilder topology{"test"};
    topology.source("in", decimal_integer()) | to("out", decimal_integer());
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = *topology.build(), .wrap_broker = [this](Broker& broker) {
          return std::make_unique<FaultyBroker>(broker, faults_);
        }});
    for (const char* value : {"1", "2", "3"}) driver_->pipe_input("in", {.value = value});
  }
  /// `fault` at `point`, so many times.
  void fail(Point point, Fault fault, int times) {
    faults_.at = [=](Point at) mutable {
      return at == point && times-- > 0 ? fault : Fault::kNone;
    };
  }

  Faults faults_;
  std::unique_ptr<TopologyTestDriver> driver_;
};

TEST_F(Commit, OfUnknownOutcomeThatHappenedIsNotRepeated) {
  fail(Point::kAfterCommit, Fault::kUnknown, 1);
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
}

TEST_F(Commit, OfUnknownOutcomeThatDidNotHappenIsDoneAgain) {
  fail(Point::kBeforeCommit, Fault::kUnknown, 1);
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
}

TEST_F(Commit, WhoseOutcomeCannotBeFoundOutEndsTheApplication) {
  faults_.at = [unknown = false](Point at) mutable {
    unknown = unknown || at == Point::kAfterCommit;
    if (at == Point::kAfterCommit) return Fault::kUnknown;
    return at == Point::kCommitted && unknown ? Fault::kAbort : Fault::kNone;
  };
  driver_->run_until_idle();
  EXPECT_EQ(driver_->status().code(), StatusCode::kFailed);
  EXPECT_THAT(driver_->status().message(), HasSubstr("outcome of a commit"));
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
}

TEST_F(Commit, ThatIsRefusedIsDoneAgainFromTheLastCommit) {
  for (const Point point : {Point::kSendOffsets, Point::kBeforeCommit}) {
    SetUp();
    fail(point, Fault::kAbort, 5);
    driver_->run_until_idle();
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
    EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
  }
}

TEST_F(Commit, LeavesNothingWhenTheProcessDiesBeforeItAndEverythingAfterIt) {
  for (const Point point : {Point::kSendOffsets, Point::kBeforeCommit, Point::kAfterCommit}) {
    SetUp();
    fail(point, Fault::kKill, 1);
    EXPECT_THROW(driver_->run_until_idle(), Killed);
    EXPECT_THAT(driver_->values("out"), SizeIs(point == Point::kAfterCommit ? 3 : 0));
    driver_->crash_instance("instance-1");
    driver_->advance(std::chrono::seconds(30));
    ASSERT_TRUE(driver_->add_instance("instance-2"));
    driver_->run_until_idle();
    EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
  }
}

}  // namespace
}  // namespace millrace
