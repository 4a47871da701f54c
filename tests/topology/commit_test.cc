#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "millrace/millrace.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/line_log.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using Point = Faults::Point;
using Fault = Faults::Fault;

class Commit : public testing::Test {
 protected:
  void SetUp() override { set_up(Guarantee::kExactlyOnce); }
  void set_up(Guarantee guarantee) {
    ApplicationConfig config;
    config.guarantee = guarantee;
    config.session_timeout = std::chrono::seconds(6);
    TopologyBuilder topology{"test"};
    topology.source("in", decimal_integer()) | to("out", decimal_integer());
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = *topology.build(),
        .config = config,
        .wrap_broker =
            [this](Broker& broker) { return std::make_unique<FaultyBroker>(broker, faults_); },
        .log = &log_});
    faults_.at = [](Point) { return Fault::kNone; };
    for (const char* value : {"1", "2", "3"}) driver_->pipe_input("in", {.value = value});
  }
  /// `fault` at `point`, so many times.
  void fail(Point point, Fault fault, int times) {
    faults_.at = [=](Point at) mutable {
      return at == point && times-- > 0 ? fault : Fault::kNone;
    };
  }

  /// Of what was logged, what is said of the broker.
  std::vector<std::string> contact() const {
    std::vector<std::string> found;
    for (const std::string& line : log_.lines)
      if (line.starts_with("the broker is ")) found.push_back(line.substr(0, line.find(" error=")));
    return found;
  }

  LineLog log_;
  Faults faults_;
  std::unique_ptr<TopologyTestDriver> driver_;
};

/// And when nothing more is to be committed, that it is back, whatever became of the call.
TEST_F(Commit, ThatGetsNoAnswerForLongTellsThatTheBrokerIsAway) {
  for (const Guarantee guarantee : {Guarantee::kExactlyOnce, Guarantee::kAtLeastOnce}) {
    for (const Fault end : {Fault::kNone, Fault::kAbort}) {
      log_.lines.clear();
      set_up(guarantee);
      faults_.at = [this, end, calls = 0](Point at) mutable {
        if (at != Point::kBeforeCommit || ++calls > 20) return Fault::kNone;
        driver_->clock().advance(std::chrono::seconds(1));
        return calls == 20 ? end : Fault::kRetry;
      };
      driver_->run_until_idle();
      ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
      EXPECT_THAT(contact(), ElementsAre("the broker is away, trying on thread=0",
                                         "the broker is back thread=0"));
    }
  }
}

TEST_F(Commit, TheBrokerIsAwayUntilTheConsumerReachesIt) {
  fail(Point::kServe, Fault::kRetry, 3);
  driver_->run_until_idle();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(contact(),
              ElementsAre("the broker is away, trying on thread=0", "the broker is back thread=0"));
}

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

TEST_F(Commit, WhoseOutcomeCannotBeFoundOutIsFollowedByANewTakeOver) {
  for (const Point point : {Point::kBeforeCommit, Point::kAfterCommit}) {
    SetUp();
    faults_.at = [point, unknown = false, times = 620](Point at) mutable {
      if (at == point && !unknown) {
        unknown = true;
        return Fault::kUnknown;
      }
      return at == Point::kCommitted && unknown && times-- > 0 ? Fault::kRetry : Fault::kNone;
    };
    driver_->run_until_idle();
    driver_->run_for(std::chrono::seconds(2));
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
    EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
  }
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

/// Registering its successor may fail in turn.
TEST_F(Commit, WhoseProducerDiesIsDoneAgainByTheFirstThatLives) {
  faults_.at = [commits = 0, inits = 0](Point at) mutable {
    if (at == Point::kBeforeCommit && ++commits == 1) return Fault::kFenced;
    return at == Point::kInit && commits > 0 && ++inits <= 3 ? Fault::kFenced : Fault::kNone;
  };
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
}

/// A rebalance waits for a member that died in it, and refuses commits all the while.
TEST_F(Commit, ThatIsRefusedForLongIsDoneInTheEnd) {
  const std::int64_t until_ms = driver_->clock().monotonic_ms() + 50'000;
  faults_.at = [this, until_ms](Point at) {
    const bool refused = driver_->clock().monotonic_ms() < until_ms;
    return at == Point::kSendOffsets && refused ? Fault::kAbort : Fault::kNone;
  };
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
}

TEST_F(Commit, ThatIsRefusedForEverEndsTheProgram) {
  fail(Point::kSendOffsets, Fault::kAbort, 1'000'000);
  driver_->run_until_idle();
  EXPECT_THAT(driver_->status().message(), HasSubstr("transactions in a row failed"));
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

/// The broker would give its transaction up only after ten seconds.
TEST_F(Commit, OfAMemberThatDiedIsSettledByItsSuccessor) {
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  driver_->run_until_idle();
  driver_->pipe_input("in", {.value = "4"});
  fail(Point::kBeforeCommit, Fault::kKill, 1);
  EXPECT_THROW(driver_->run_until_idle(), Killed);
  driver_->crash_instance("instance-1");
  driver_->run_for(std::chrono::milliseconds(8'500));
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3", "4"));
}

/// What was sent before the commit was refused cannot be taken back.
TEST_F(Commit, OfOffsetsAloneIsDoneAgainWithItsOutputs) {
  set_up(Guarantee::kAtLeastOnce);
  fail(Point::kBeforeCommit, Fault::kAbort, 1);
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3", "1", "2", "3"));
}

TEST_F(Commit, OfOffsetsAloneLosesNothingWhenTheProcessDies) {
  for (const Point point : {Point::kBeforeCommit, Point::kAfterCommit}) {
    set_up(Guarantee::kAtLeastOnce);
    fail(point, Fault::kKill, 1);
    EXPECT_THROW(driver_->run_until_idle(), Killed);
    EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3"));
    driver_->crash_instance("instance-1");
    driver_->advance(std::chrono::seconds(30));
    ASSERT_TRUE(driver_->add_instance("instance-2"));
    driver_->run_until_idle();
    EXPECT_THAT(driver_->values("out"), SizeIs(point == Point::kAfterCommit ? 3 : 6));
  }
}

TEST_F(Commit, OfOffsetsAloneComesBeforeAnotherMemberTakesOver) {
  set_up(Guarantee::kAtLeastOnce);
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  for (const char* value : {"4", "5"}) driver_->pipe_input("in", {.value = value});
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3", "4", "5"));
}

TEST(Watchdog, NamesAPartitionWhoseRecordsDoNotCome) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | to("out", decimal_integer());
  LineLog log(LogLevel::kWarning);
  TopologyTestDriver driver({.topology = *topology.build(), .log = &log});
  driver.pipe_input("in", {.value = "1"});
  driver.run_until_idle();
  ProducerOptions options;
  options.transactional_id = "feed";
  options.transaction_timeout = std::chrono::minutes(10);
  auto feed = *driver.broker().producer(options);
  ASSERT_TRUE(feed->init_transactions().ok());
  ASSERT_TRUE(feed->begin().ok());
  ASSERT_TRUE(feed->produce({.topic = "in", .value = "2"}).ok());
  ASSERT_TRUE(feed->flush(std::chrono::seconds(1)).ok());
  driver.run_for(std::chrono::seconds(29));
  EXPECT_THAT(log.lines, testing::IsEmpty());
  driver.run_for(std::chrono::seconds(60));
  ASSERT_THAT(log.lines, SizeIs(1)) << "said once";
  EXPECT_THAT(log.lines[0], HasSubstr("no progress"));
  EXPECT_THAT(log.lines[0], HasSubstr("topic=in partition=0 offset=1 end=2"));
  ASSERT_TRUE(feed->commit().ok());
  driver.run_for(std::chrono::seconds(2));
  EXPECT_THAT(driver.values("out"), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace millrace
