#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "millrace/millrace.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/line_log.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// A copy of numbers, through a repartition topic or straight, whose input is cut off while nobody
/// reads it.
class LostInput : public testing::Test {
 protected:
  void set_up(ApplicationConfig config, bool through_topic = false) {
    TopologyBuilder topology{"test"};
    if (through_topic)
      topology.source("in", decimal_integer()) | through("cut", 1) | to("out", decimal_integer());
    else
      topology.source("in", decimal_integer()) | to("out", decimal_integer());
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = *topology.build(),
        .config = config,
        .wrap_broker =
            [this](Broker& broker) { return std::make_unique<FaultyBroker>(broker, faults_); },
        .log = &log_});
  }
  void pipe(std::initializer_list<const char*> values) {
    for (const char* value : values) driver_->pipe_input("in", {.value = value});
  }
  /// "1" and "2" are counted, "3" to "5" are not; then nobody runs.
  void stop_at_two() {
    pipe({"1", "2"});
    driver_->run_until_idle();
    if (!driver_->instances().empty()) driver_->stop_instance("instance-1");
    pipe({"3", "4", "5"});
  }
  void cut_off(std::int64_t begin, const std::string& topic = "in") {
    const PartitionOffset before{{topic, 0}, begin, {}};
    ASSERT_TRUE(driver_->broker().admin().delete_records({&before, 1}).ok());
  }
  void restart() {
    ASSERT_TRUE(driver_->add_instance("instance-2")) << driver_->status().message();
    driver_->run_until_idle();
  }
  /// As if the log had been longer when it was read.
  void commit(std::int64_t offset) {
    const TopicPartition partition{"in", 0};
    auto last = *driver_->broker().admin().committed("test", {&partition, 1});
    last.front().offset = offset;
    ConsumerOptions options;
    options.group_id = "test";
    auto member = *driver_->broker().consumer(options);
    ASSERT_TRUE(member->subscribe({"in"}).ok());
    while (!member->membership().joined) ASSERT_TRUE(member->serve().ok());
    ASSERT_TRUE(member->commit(last).ok());
    ASSERT_TRUE(member->close().ok());
  }
  std::int64_t committed(const std::string& topic = "in") const {
    const TopicPartition partition{topic, 0};
    return driver_->broker().admin().committed("test", {&partition, 1})->front().offset;
  }

  Faults faults_;
  LineLog log_{LogLevel::kWarning};
  std::unique_ptr<TopologyTestDriver> driver_;
};

TEST_F(LostInput, EndsTheProgramAndSaysWhatIsMissing) {
  set_up({});
  stop_at_two();
  cut_off(4);
  restart();
  EXPECT_EQ(driver_->status().code(), StatusCode::kFailed);
  EXPECT_THAT(driver_->status().message(),
              AllOf(HasSubstr("topic 'in', partition 0: offset 2 cannot be read"),
                    HasSubstr("begins at 4: 2 records were deleted"),
                    HasSubstr("reset --application-id test"), HasSubstr("--on-lost-input skip")));
  EXPECT_EQ(committed(), 2);
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2"));
}

TEST_F(LostInput, IsPassedOverWhereThatIsAskedFor) {
  set_up({.on_lost_input = LostInputPolicy::kSkip});
  stop_at_two();
  cut_off(4);
  restart();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "5"));
  EXPECT_EQ(driver_->counters().lost, 2u);
  EXPECT_EQ(committed(), 5);
  ASSERT_THAT(log_.lines, ElementsAre(HasSubstr("going on where its log begins")));
  EXPECT_THAT(log_.lines[0], HasSubstr("topic=in partition=0 offset=4 committed=2 lost=2"));
}

/// Nothing is left: still the loss is committed, and the next owner does not find it again.
TEST_F(LostInput, IsCommittedWithoutARecordBehindIt) {
  set_up({.on_lost_input = LostInputPolicy::kSkip});
  stop_at_two();
  cut_off(5);
  restart();
  EXPECT_EQ(driver_->counters().lost, 3u);
  EXPECT_EQ(committed(), 5);
  driver_->stop_instance("instance-2");
  ASSERT_TRUE(driver_->add_instance("instance-3"));
  driver_->run_until_idle();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_EQ(driver_->counters().lost, 3u);
}

TEST_F(LostInput, IsCountedOnceThoughItsTransactionAborts) {
  set_up({.on_lost_input = LostInputPolicy::kSkip});
  stop_at_two();
  cut_off(3);
  int aborts = 0;
  faults_.at = [&](Faults::Point point) {
    if (point != Faults::Point::kBeforeCommit || ++aborts > 2) return Faults::Fault::kNone;
    if (aborts == 2) cut_off(4);  // meanwhile there is even less
    return Faults::Fault::kAbort;
  };
  restart();
  ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_GT(aborts, 2);
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "5"));
  EXPECT_EQ(driver_->counters().lost, 2u);
}

TEST_F(LostInput, IsAddedUpOverTakeOvers) {
  for (const Guarantee guarantee : {Guarantee::kExactlyOnce, Guarantee::kAtLeastOnce}) {
    set_up({.guarantee = guarantee, .on_lost_input = LostInputPolicy::kSkip});
    stop_at_two();
    cut_off(4);
    restart();
    driver_->crash_instance("instance-2");
    driver_->advance(std::chrono::seconds(30));
    pipe({"6", "7"});
    cut_off(6);
    ASSERT_TRUE(driver_->add_instance("instance-3"));
    driver_->run_until_idle();
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
    EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "5", "7"));
    EXPECT_EQ(driver_->counters().lost, 3u);
  }
}

/// Of a run to the end as well, where the end is looked up before anything is read.
TEST_F(LostInput, IsNoneWhereTheLogHasTheOffset) {
  set_up({});
  stop_at_two();
  int failures = 0;
  faults_.at = [&](Faults::Point point) {
    return point == Faults::Point::kPoll && ++failures <= 3 ? Faults::Fault::kFailed
                                                            : Faults::Fault::kNone;
  };
  restart();
  EXPECT_TRUE(driver_->status().ok()) << driver_->status().message();
  EXPECT_THAT(driver_->values("out"), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(log_.lines, testing::Contains(HasSubstr("reading a partition anew")));
}

TEST_F(LostInput, IsSaidWhereTheLogNeverGivesWhatItHas) {
  set_up({});
  stop_at_two();
  faults_.at = [&](Faults::Point point) {
    return point == Faults::Point::kPoll ? Faults::Fault::kFailed : Faults::Fault::kNone;
  };
  restart();
  EXPECT_EQ(driver_->status().message(), "it lies outside of the log");
}

TEST_F(LostInput, AtTheEndOfTheLogIsAlwaysAnError) {
  for (const bool until_end : {false, true}) {
    set_up({.until_end = until_end, .on_lost_input = LostInputPolicy::kSkip});
    stop_at_two();
    commit(9);
    restart();
    EXPECT_EQ(driver_->status().code(), StatusCode::kFailed);
    EXPECT_THAT(driver_->status().message(),
                AllOf(HasSubstr("offset 9 cannot be read: the log ends at 5"),
                      HasSubstr("reset --application-id test"), Not(HasSubstr("skip"))));
    EXPECT_EQ(committed(), 9);
  }
}

TEST_F(LostInput, BetweenSubTopologiesIsAlwaysAnError) {
  set_up({.on_lost_input = LostInputPolicy::kSkip}, true);
  stop_at_two();
  const TopicPartition cut{"test-cut-repartition", 0};
  const auto end = driver_->broker().admin().list_offsets({&cut, 1}, OffsetSpec::kLatest);
  auto producer = *driver_->broker().producer({});
  ASSERT_TRUE(producer->produce({.topic = cut.topic, .value = "lost"}).ok());
  ASSERT_TRUE(producer->flush(std::chrono::seconds(1)).ok());
  cut_off(end->front() + 1, cut.topic);
  restart();
  EXPECT_EQ(driver_->status().code(), StatusCode::kFailed);
  EXPECT_THAT(driver_->status().message(),
              AllOf(HasSubstr("'test-cut-repartition'"), HasSubstr("records were deleted"),
                    HasSubstr("reset --application-id test"), Not(HasSubstr("skip"))));
}

}  // namespace
}  // namespace millrace
