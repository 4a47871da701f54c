#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Visit {
  std::chrono::sys_seconds time;
  std::string_view user;
};

/// "<start in s>/<length in s>: <users> users, <frames> frames", and "#<revision>" from 1 on.
struct ShortStats {
  using value_type = WindowStats;
  void encode(const WindowStats& stats, std::string& out) const {
    out += fmt::format("{}: {} users, {} frames", window_key(stats.definition, stats.window),
                       stats.users, stats.frames);
    if (!stats.final) out += ", open";
    if (stats.revision > 0) out += fmt::format(" #{}", stats.revision);
  }
  std::string describe() const { return "short stats"; }
};

constexpr std::int64_t kT = 1'468'244'400;  // 2016-07-11T13:40:00Z, a minute's start

struct Settings {
  std::vector<WindowDefinition> windows = {tumbling(60s)};
  JumpGuardOption guard = jump_guard(1h);
  std::chrono::milliseconds grace = 0ms;
  DistinctOptions distinct = {};
  std::int32_t partitions = 1;
  ApplicationConfig config = {};
};

/// unique users per window of `{"ts":…,"uid":…}` in "in", to "out".
class Visits : public testing::Test {
 protected:
  void start(Settings settings) {
    TopologyBuilder topology{"visits"};
    topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
        event_time(&Visit::time, lateness(5s), settings.guard) |
        windows(settings.windows, settings.grace) |
        distinct_count("users", &Visit::user, settings.distinct) | to("out", ShortStats());
    auto built = topology.build();
    ASSERT_TRUE(built.ok()) << built.status().message();
    settings.config.on_bad_record = BadRecordPolicy::kDeadLetter;
    settings.config.dead_letter_topic = "dead";
    driver_ = std::make_unique<TopologyTestDriver>(
        TopologyTestDriver::Options{.topology = std::move(*built),
                                    .config = settings.config,
                                    .partitions = {{"in", settings.partitions}}});
  }
  /// A bounded run over one partition without Kafka timestamps to agree with.
  void start_bounded(Settings settings = {}) {
    settings.config.until_end = true;
    start(std::move(settings));
  }
  void visit(std::int64_t seconds, const std::string& user, std::int32_t partition = 0,
             std::optional<std::int64_t> kafka_ms = std::nullopt) {
    driver_->pipe_input("in",
                        {.value = fmt::format(R"({{"ts":{},"uid":"{}"}})", kT + seconds, user),
                         .partition = partition,
                         .timestamp_ms = kafka_ms});
  }
  void broken() { driver_->pipe_input("in", {.value = "{"}); }
  void run() {
    driver_->run_until_idle();
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  }
  std::vector<std::string> out() const { return driver_->values("out"); }
  std::vector<std::int64_t> dead_offsets() const {
    std::vector<std::int64_t> offsets;
    for (const OutputRecord& record : driver_->read_output("dead"))
      for (const auto& [name, value] : record.headers)
        if (name == "millrace.offset") offsets.push_back(std::stoll(value));
    return offsets;
  }
  static std::string row(std::int64_t seconds, int users, int frames) {
    return fmt::format("{}/60: {} users, {} frames", kT + seconds, users, frames);
  }

  std::unique_ptr<TopologyTestDriver> driver_;
};

// --- the jump guard

using JumpGuardTopology = Visits;

TEST_F(JumpGuardTopology, ALoneFlipAheadIsDeadLettered) {
  start_bounded();
  visit(0, "a");
  visit(1, "a");
  visit(2, "b");
  visit(1 << 25, "flip");
  visit(3, "c");
  visit(4, "c");
  run();
  EXPECT_THAT(dead_offsets(), ElementsAre(3));
  EXPECT_THAT(out(), ElementsAre(row(0, 3, 5)));
}

TEST_F(JumpGuardTopology, AFlippedFirstRecordIsDeadLettered) {
  start_bounded();
  visit(1 << 25, "flip");
  for (int i = 0; i < 4; ++i) visit(i, "a");
  run();
  EXPECT_THAT(dead_offsets(), ElementsAre(0));
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 4)));
}

TEST_F(JumpGuardTopology, AFlippedLastRecordOfABoundedRunIsDeadLettered) {
  start_bounded();
  for (int i = 0; i < 4; ++i) visit(i, "a");
  visit(1 << 25, "flip");
  run();
  EXPECT_THAT(dead_offsets(), ElementsAre(4));
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 4)));
}

TEST_F(JumpGuardTopology, FlipsInPairsAreDeadLettered) {
  start_bounded();
  for (int i = 0; i < 4; ++i) visit(i, "a");
  visit(1 << 25, "flip");
  visit((1 << 25) + 1, "flip");
  for (int i = 4; i < 12; ++i) visit(i, "b");
  run();
  EXPECT_THAT(dead_offsets(), ElementsAre(4, 5));
  EXPECT_THAT(out(), ElementsAre(row(0, 2, 12)));
}

TEST_F(JumpGuardTopology, ARealGapPasses) {
  start_bounded();
  for (int i = 0; i < 4; ++i) visit(i, "a");
  for (int i = 0; i < 8; ++i) visit(7200 + i, "b");
  run();
  EXPECT_THAT(dead_offsets(), IsEmpty());
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 4), row(7200, 1, 8)));
}

TEST_F(JumpGuardTopology, AFlipBesideARealGapIsTheOnlyOneRefused) {
  start_bounded();
  for (int i = 0; i < 4; ++i) visit(i, "a");
  visit(1 << 25, "flip");
  for (int i = 0; i < 8; ++i) visit(7200 + i, "b");
  run();
  EXPECT_THAT(dead_offsets(), ElementsAre(4));
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 4), row(7200, 1, 8)));
}

TEST_F(JumpGuardTopology, AJumpThatAgreesWithItsKafkaTimestampPassesAtOnce) {
  start({.config = {.commit_interval = 10ms}});
  visit(0, "a", 0, kT * 1000);
  visit(7200, "b", 0, (kT + 7200) * 1000);
  run();
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 1)));
}

TEST_F(JumpGuardTopology, AJumpWaitsForSevenSuccessorsInAContinuousRun) {
  start({});
  visit(0, "a", 0, kT * 1000);
  for (int i = 0; i < 7; ++i) visit(7200 + i, "b");
  run();
  EXPECT_THAT(out(), IsEmpty());
  EXPECT_EQ(driver_->counters().accepted, 1u);
  visit(7207, "b");
  run();
  EXPECT_EQ(driver_->counters().accepted, 9u);
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 1)));
}

TEST_F(JumpGuardTopology, BrokenRecordsWaitInTheirPlaceAndAreNoSuccessors) {
  start({});
  visit(0, "a", 0, kT * 1000);
  visit(7200, "b");
  for (int i = 0; i < 10; ++i) broken();
  run();
  EXPECT_THAT(dead_offsets(), IsEmpty());
  for (int i = 0; i < 7; ++i) visit(7201 + i, "b");
  run();
  EXPECT_THAT(dead_offsets(), SizeIs(10));
  EXPECT_EQ(driver_->counters().accepted, 9u);
}

TEST_F(JumpGuardTopology, WaitingRecordsSurviveARestartBecauseTheOffsetStaysBeforeThem) {
  start({});
  visit(0, "a", 0, kT * 1000);
  for (int i = 0; i < 5; ++i) visit(7200 + i, "b");
  run();
  driver_->crash_instance("instance-1");
  driver_->advance(11s);
  EXPECT_TRUE(driver_->add_instance("instance-2"));
  for (int i = 5; i < 9; ++i) visit(7200 + i, "c");
  run();
  EXPECT_EQ(driver_->counters().accepted, 10u);
  EXPECT_THAT(dead_offsets(), IsEmpty());
}

TEST_F(JumpGuardTopology, MoreThanEightMebibytesMayWait) {
  start_bounded();
  for (int i = 0; i < 3; ++i) visit(i, "a");
  visit(1 << 25, "flip");
  const std::string bulk(1'000'000, 'x');
  for (int i = 0; i < 12; ++i)  // broken ones are no successors: all of them wait
    driver_->pipe_input("in", {.value = bulk});
  for (int i = 3; i < 9; ++i) visit(i, "b");
  run();
  EXPECT_THAT(dead_offsets(), SizeIs(13));
  EXPECT_THAT(out(), ElementsAre(row(0, 2, 9)));
  EXPECT_TRUE(driver_->ended());
}

TEST_F(JumpGuardTopology, OffMeansThatEverythingIsBelieved) {
  start_bounded({.guard = no_jump_guard()});
  visit(0, "a");
  visit(1 << 25, "flip");
  visit(1, "late");
  run();
  EXPECT_THAT(dead_offsets(), IsEmpty());
  EXPECT_EQ(driver_->counters().accepted, 2u);
  EXPECT_EQ(driver_->counters().late, 1u);
}

TEST_F(JumpGuardTopology, EventTimeBehindAnInnerEdgeIsRefused) {
  TopologyBuilder topology{"visits"};
  auto [a, b] =
      topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
      split<2>();
  std::move(a) | event_time(&Visit::time) | windows({tumbling(60s)}) |
      distinct_count("users", &Visit::user) | to("out", ShortStats());
  std::move(b) | map([](const Visit&) { return std::int64_t{1}; }) | to("x", decimal_integer());
  const auto built = topology.build();
  ASSERT_FALSE(built.ok());
  EXPECT_THAT(built.status().message(), HasSubstr("chain of its source"));
}

// --- lateness

using LatenessTopology = Visits;

TEST_F(LatenessTopology, IsJudgedByTheRecordsOwnPartition) {
  start_bounded({.partitions = 2});
  for (int i = 0; i < 3; ++i) visit(i, "a", 0);
  for (int i = 0; i < 3; ++i) visit(300 + i, "b", 1);
  visit(3, "c", 0);   // partition 0 stands at 2 s
  visit(10, "d", 1);  // partition 1 stands at 302 s
  run();
  EXPECT_THAT(out(), ElementsAre(row(0, 2, 4), row(300, 1, 3)));
  EXPECT_EQ(driver_->counters().late, 1u);
}

TEST_F(LatenessTopology, ARecordIsInTimeUntilTheWatermarkReachesTheWindowsEnd) {
  start_bounded();
  visit(0, "a");
  visit(64, "b");  // watermark 59: the window is open
  visit(1, "c");
  visit(65, "d");  // watermark 60: it is closed
  visit(2, "e");
  run();
  EXPECT_THAT(out(), ElementsAre(row(0, 2, 2), row(60, 2, 2)));
}

TEST_F(LatenessTopology, GraceKeepsAWindowOpenLonger) {
  start_bounded({.grace = 30s});
  visit(0, "a");
  visit(94, "b");
  visit(1, "c");
  visit(95, "d");
  visit(2, "e");
  run();
  EXPECT_THAT(out(), ElementsAre(row(0, 2, 2), row(60, 2, 2)));
}

TEST_F(LatenessTopology, IsJudgedPerWindowAndCountedPerWindow) {
  start_bounded({.windows = {tumbling(60s), tumbling(600s)}});
  visit(0, "a");
  visit(100, "b");
  visit(1, "c");  // late for the minute only
  run();
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 1), row(60, 1, 1),
                                 fmt::format("{}/600: 3 users, 3 frames", kT)));
  EXPECT_EQ(driver_->counters().accepted, 3u);
  EXPECT_EQ(driver_->counters().late, 0u);
  EXPECT_THAT(driver_->counters().late_by_window, ElementsAre(1, 0));
}

// --- idle sources and revisions

using IdleSources = Visits;

TEST_F(IdleSources, CloseTheLastWindowWithinTheIdleTime) {
  start({});
  const std::int64_t start_s = ManualClock::kStartMs / 1000 - kT;
  visit(start_s, "a");
  visit(start_s + 1, "b");
  run();
  EXPECT_THAT(out(), IsEmpty());
  driver_->run_for(30s);
  EXPECT_THAT(out(), IsEmpty());  // idle, but the wall clock has not passed the window
  driver_->run_for(40s);
  EXPECT_THAT(out(), ElementsAre(row(start_s, 2, 2)));
  EXPECT_EQ(driver_->counters().early_closes, 1u);
}

TEST_F(IdleSources, AWindowThatChangesAfterAnEarlyCloseIsEmittedAgainWithTheNextRevision) {
  start({});
  const std::int64_t start_s = ManualClock::kStartMs / 1000 - kT;
  visit(start_s, "a");
  run();
  driver_->run_for(70s);
  visit(start_s + 1, "b");
  run();
  driver_->run_for(6s);
  EXPECT_THAT(out(), ElementsAre(row(start_s, 1, 1), row(start_s, 2, 2) + " #1"));
}

TEST_F(IdleSources, DoNotHoldBackActiveOnes) {
  start({.partitions = 2});
  const std::int64_t start_s = ManualClock::kStartMs / 1000 - kT;
  visit(start_s, "a", 0);
  visit(start_s, "b", 1);
  run();
  driver_->run_for(6s);
  int frames = 2;
  for (int i = 0; i < 20; ++i) {
    driver_->run_for(4s);
    const std::int64_t now_s = driver_->clock().wall_ms() / 1000 - kT;
    if (now_s < start_s + 60) ++frames;
    visit(now_s, "c", 0);
    run();
  }
  EXPECT_THAT(out(), ElementsAre(row(start_s, 3, frames)));
  EXPECT_EQ(driver_->counters().early_closes, 1u);  // partition 1 was passed over
}

TEST_F(IdleSources, NeverCloseAnythingWhenIdlenessIsOff) {
  start({.config = {.idle_after = -1ms}});
  visit(0, "a", 0, kT * 1000);
  run();
  driver_->run_for(1h);
  EXPECT_THAT(out(), IsEmpty());
}

TEST_F(IdleSources, AYearIsNotClosedByAPause) {
  start({.windows = {calendar_year()}});
  const std::int64_t start_s = ManualClock::kStartMs / 1000 - kT;
  visit(start_s + 5, "a");
  run();
  driver_->run_for(24h);
  EXPECT_THAT(out(), IsEmpty());
}

// --- runs

using BoundedRuns = Visits;

TEST_F(BoundedRuns, EndWithAllWindowsEmitted) {
  start_bounded({.partitions = 3});
  for (int i = 0; i < 9; ++i) visit(i, "a", i % 3);
  run();
  EXPECT_TRUE(driver_->ended());
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 9)));
}

TEST_F(BoundedRuns, EndOverEmptyInputToo) {
  start_bounded({.partitions = 2});
  run();
  EXPECT_TRUE(driver_->ended());
  EXPECT_THAT(out(), IsEmpty());
}

TEST_F(BoundedRuns, DoNotCountWhatArrivedAfterTheirEnd) {
  start_bounded();
  for (int i = 0; i < 3; ++i) visit(i, "a");
  driver_->turn("instance-1");  // joins
  driver_->turn("instance-1");  // takes over: the end is fixed
  for (int i = 3; i < 6; ++i) visit(i, "b");
  run();
  EXPECT_TRUE(driver_->ended());
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 3)));
}

TEST_F(BoundedRuns, AreFollowedByRunsThatReviseOpenWindows) {
  start_bounded();
  for (int i = 0; i < 3; ++i) visit(i, "a");
  run();
  ASSERT_TRUE(driver_->ended());
  for (int i = 3; i < 6; ++i) visit(i, "b");
  visit(90, "c");
  EXPECT_TRUE(driver_->add_instance("instance-1"));
  run();
  EXPECT_TRUE(driver_->ended());
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 3), row(0, 2, 6) + " #1", row(60, 1, 1)));
}

TEST_F(BoundedRuns, WithoutNewDataEmitNothingAgain) {
  start_bounded();
  for (int i = 0; i < 3; ++i) visit(i, "a");
  run();
  EXPECT_TRUE(driver_->add_instance("instance-1"));
  run();
  EXPECT_TRUE(driver_->ended());
  EXPECT_THAT(out(), ElementsAre(row(0, 1, 3)));
}

TEST_F(BoundedRuns, AreSharedByInstancesThatAllLeaveAtTheEnd) {
  start_bounded({.partitions = 3});
  for (int i = 0; i < 300; ++i) visit(i / 3, "u" + std::to_string(i % 7), i % 3);
  for (const char* id : {"a", "b", "c"}) EXPECT_TRUE(driver_->add_instance(id));
  run();
  EXPECT_TRUE(driver_->ended());
  EXPECT_THAT(out(), ElementsAre(row(0, 7, 180), row(60, 7, 120)));
}

// --- drift

using Drift = Visits;

TEST_F(Drift, AHistoryLoadedPartitionByPartitionLosesNothing) {
  start_bounded({.partitions = 2, .config = {.max_drift = 600s, .batch = {.records = 5}}});
  for (int i = 0; i < 200; ++i) visit(i * 60, "a", 0);
  for (int i = 0; i < 200; ++i) visit(i * 60 + 30, "b", 1);
  run();
  ASSERT_THAT(out(), SizeIs(200));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(out()[static_cast<std::size_t>(i)], row(i * 60, 2, 2));
}

TEST_F(Drift, APartitionFarAheadWaitsForTheSlowestOne) {
  start({.partitions = 2, .config = {.max_drift = 600s, .batch = {.records = 5}}});
  // Partition 0 goes ahead; partition 1's history is long and dense.
  for (int i = 0; i < 300; ++i) visit(i * 60, "a", 0, (kT + i * 60) * 1000);
  for (int i = 0; i < 3000; ++i) visit(i, "b", 1, (kT + i) * 1000);
  std::int64_t widest = 0;
  for (int i = 0; i < 400; ++i) {
    driver_->turn("instance-1");
    driver_->advance(100ms);
    const auto offsets = driver_->broker().admin().group_offsets("visits");
    std::int64_t at[2] = {0, 0};
    for (const PartitionOffset& offset : *offsets)
      if (offset.partition.topic == "in")
        at[offset.partition.partition] = offset.offset * (offset.partition.partition == 0 ? 60 : 1);
    if (at[1] < 3000) widest = std::max(widest, at[0] - at[1]);
  }
  EXPECT_GT(widest, 0);
  EXPECT_LE(widest, 600 + 2 * 5 * 60);
  run();
}

// --- windows and counting

using DistinctCountTopology = Visits;

TEST_F(DistinctCountTopology, RollUpEqualsRunsOfEachWindowAlone) {
  const std::vector<WindowDefinition> all = {tumbling(60s), tumbling(600s), tumbling(3600s),
                                             calendar_day()};
  const auto results = [&](std::vector<WindowDefinition> definitions, std::int32_t shards) {
    start_bounded({.windows = std::move(definitions), .distinct = {.shards = shards}});
    std::uint32_t random = 1;
    for (int i = 0; i < 2000; ++i) {
      random = random * 1'664'525 + 1'013'904'223;
      const auto late = static_cast<std::int64_t>(random >> 28 == 0 ? random >> 8 & 127 : 0);
      visit(i * 7 - late, "u" + std::to_string(random >> 16 & 255));
    }
    run();
    auto rows = out();
    std::ranges::sort(rows);
    return rows;
  };
  std::vector<std::string> alone;
  for (const WindowDefinition& definition : all) {
    const auto rows = results({definition}, 1);
    alone.insert(alone.end(), rows.begin(), rows.end());
  }
  std::ranges::sort(alone);
  EXPECT_EQ(results(all, 1), alone);
  EXPECT_EQ(results(all, 3), alone);
}

TEST_F(DistinctCountTopology, CalendarWindowsFollowTheUtcCalendar) {
  start_bounded(
      {.windows = {calendar_day(), calendar_month(), calendar_year()}, .guard = no_jump_guard()});
  constexpr std::int64_t kNewYear2017 = 1'483'228'800 - kT;
  visit(kNewYear2017 - 1, "a");
  visit(kNewYear2017 - 2, "b");
  visit(kNewYear2017, "a");
  run();
  EXPECT_THAT(
      out(),
      ElementsAre("1483142400/day: 2 users, 2 frames", "1480550400/month: 2 users, 2 frames",
                  "1451606400/year: 2 users, 2 frames", "1483228800/day: 1 users, 1 frames",
                  "1483228800/month: 1 users, 1 frames", "1483228800/year: 1 users, 1 frames"));
}

TEST_F(DistinctCountTopology, TheSameUserIsOneOverPartitionsAndShards) {
  for (const std::int32_t shards : {1, 3}) {
    start_bounded({.distinct = {.shards = shards}, .partitions = 3});
    for (int i = 0; i < 30; ++i) visit(i, "u" + std::to_string(i / 3), i % 3);
    run();
    EXPECT_THAT(out(), ElementsAre(row(0, 10, 30))) << shards;
  }
}

TEST_F(DistinctCountTopology, ASketchComesCloseAtAnyNumberOfShards) {
  for (const std::int32_t shards : {1, 3}) {
    start_bounded({.distinct = {.method = sketch(12), .shards = shards}, .partitions = 2});
    for (int i = 0; i < 6000; ++i) visit(i / 150, "u" + std::to_string(i % 3000), i % 2);
    run();
    ASSERT_THAT(out(), SizeIs(1));
    const int users = std::atoi(out()[0].c_str() + out()[0].find(": ") + 2);
    EXPECT_NEAR(users, 3000, 3000 * 0.012 * 4) << shards;
    EXPECT_THAT(out()[0], HasSubstr("6000 frames"));
  }
}

TEST_F(DistinctCountTopology, UpdatesShowOpenWindowsAndTheFinalResultComesOnce) {
  start({.distinct = {.update_every = 1s}});
  const std::int64_t start_s = ManualClock::kStartMs / 1000 - kT;
  visit(start_s, "a");
  run();
  driver_->run_for(2s);
  visit(start_s + 1, "b");
  run();
  driver_->run_for(2s);
  visit(start_s + 70, "c", 0, ManualClock::kStartMs + 4000);
  run();
  const auto rows = out();
  EXPECT_EQ(std::ranges::count(rows, row(start_s, 1, 1) + ", open"), 1);
  EXPECT_EQ(std::ranges::count(rows, row(start_s, 2, 2) + ", open"), 1);
  EXPECT_EQ(std::ranges::count(rows, row(start_s, 2, 2)), 1);
}

TEST_F(DistinctCountTopology, StateComesBackFromTheChangelogAfterACrash) {
  for (const std::int32_t shards : {1, 2}) {
    start({.distinct = {.shards = shards}});
    for (int i = 0; i < 20; ++i) visit(i, "u" + std::to_string(i), 0, (kT + i) * 1000);
    run();
    driver_->crash_instance("instance-1");
    driver_->advance(11s);
    for (int i = 0; i < 20; ++i)
      visit(i + 20, "u" + std::to_string(i + 10), 0, (kT + 20 + i) * 1000);
    visit(100, "x", 0, (kT + 100) * 1000);
    EXPECT_TRUE(driver_->add_instance("instance-2"));
    run();
    EXPECT_THAT(out(), ElementsAre(row(0, 30, 40))) << shards;
  }
}

TEST_F(DistinctCountTopology, RebalancesInTheMiddleCountNothingTwice) {
  start({.partitions = 2, .config = {.batch = {.records = 3}}});
  for (int i = 0; i < 200; ++i)
    visit(i / 4, "u" + std::to_string(i % 31), i % 2, (kT + i / 4) * 1000);
  for (int i = 0; i < 60; ++i) {
    driver_->turn("instance-1");
    if (i % 7 == 3) driver_->disturb();
    driver_->advance(20ms);
  }
  for (const int partition : {0, 1}) visit(100, "x", partition, (kT + 100) * 1000);
  run();
  EXPECT_THAT(out(), ElementsAre(row(0, 31, 200)));
}

}  // namespace
}  // namespace millrace
