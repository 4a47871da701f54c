/// What Kafka Streams' documentation promises of the operators that Millrace has too, as inputs and
/// outputs. Each case quotes the sentence it is about (Developer Guide, Apache Kafka 4.1).

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t kMinute = 1'468'244'400;  // 2016-07-11T13:40:00Z

struct Visit {
  std::chrono::sys_seconds time;
  std::string_view user;
};

/// "<start - kMinute>: <frames>".
struct FrameCounts {
  using value_type = WindowStats;
  void encode(const WindowStats& stats, std::string& out) const {
    out += fmt::format("{}: {}", stats.window.start_ms / 1000 - kMinute, stats.frames);
  }
  std::string describe() const { return "frame counts"; }
};

class WindowConformance : public testing::Test {
 protected:
  void start(std::chrono::milliseconds grace) {
    TopologyBuilder topology{"windows"};
    topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
        event_time(&Visit::time, lateness(0ms), no_jump_guard()) | windows({tumbling(60s)}, grace) |
        distinct_count("users", &Visit::user) | to("out", FrameCounts());
    driver_ = std::make_unique<TopologyTestDriver>(
        TopologyTestDriver::Options{.topology = *topology.build()});
  }
  /// A record so many seconds into the minute; what has come out by then.
  std::vector<std::string> after(std::int64_t seconds) {
    driver_->pipe_input("in",
                        {.value = fmt::format(R"({{"ts":{},"uid":"u"}})", kMinute + seconds)});
    driver_->run_until_idle();
    EXPECT_TRUE(driver_->status().ok()) << driver_->status().message();
    return driver_->values("out");
  }

  std::unique_ptr<TopologyTestDriver> driver_;
};

// "Tumbling time windows are aligned to the epoch, with the lower interval bound being inclusive
// and the upper bound being exclusive."
TEST_F(WindowConformance, TumblingWindowsAreAlignedToTheEpochAndTheirUpperBoundIsExclusive) {
  start(0ms);
  EXPECT_THAT(after(0), IsEmpty());
  EXPECT_THAT(after(59), IsEmpty());
  EXPECT_THAT(after(60), ElementsAre("0: 2"));
  EXPECT_THAT(after(119), ElementsAre("0: 2"));
  EXPECT_THAT(after(125), ElementsAre("0: 2", "60: 2"));
}

// "The grace period defines how long to wait for out-of-order records of a window: records that
// arrive after the window end plus the grace period are not considered."
TEST_F(WindowConformance, RecordsAreTakenUntilStreamTimeReachesTheEndPlusTheGrace) {
  start(10s);
  after(30);
  after(69);
  EXPECT_THAT(after(59), IsEmpty());
  EXPECT_THAT(after(70), ElementsAre("0: 2"));
  EXPECT_THAT(after(59), ElementsAre("0: 2"));
  EXPECT_EQ(driver_->counters().late, 1u);
}

// "Stream time only advances with the highest timestamp seen: out-of-order records do not set it
// back."
TEST_F(WindowConformance, OutOfOrderRecordsDoNotSetTimeBack) {
  start(0ms);
  after(100);
  after(70);
  EXPECT_THAT(after(119), IsEmpty());
  EXPECT_THAT(after(120), ElementsAre("60: 3"));
}

// suppress(untilWindowCloses): "exactly one final result per window".
TEST_F(WindowConformance, AWindowIsEmittedOnceWhenItCloses) {
  start(0ms);
  for (const std::int64_t second : {1, 2, 3}) EXPECT_THAT(after(second), IsEmpty());
  EXPECT_THAT(after(61), ElementsAre("0: 3"));
  EXPECT_THAT(after(200), ElementsAre("0: 3", "60: 1"));
}

/// Runs `build` over the records of "in", in one partition.
std::unique_ptr<TopologyTestDriver> run(Result<Topology> topology,
                                        const std::vector<InputRecord>& input) {
  EXPECT_TRUE(topology.ok()) << topology.status().message();
  auto driver = std::make_unique<TopologyTestDriver>(
      TopologyTestDriver::Options{.topology = std::move(*topology)});
  for (const InputRecord& record : input) driver->pipe_input("in", record);
  driver->run_until_idle();
  EXPECT_TRUE(driver->status().ok()) << driver->status().message();
  return driver;
}

// split/branch: "Predicates are evaluated in order. A record is placed to one and only one output
// stream on the first match [...] If no predicate matches, the record is dropped."
TEST(OperatorConformance, BranchIsFirstMatchAndDropsTheRest) {
  TopologyBuilder topology{"branch"};
  auto [small, even] =
      topology.source("in", decimal_integer()) |
      branch([](std::int64_t n) { return n < 3; }, [](std::int64_t n) { return n % 2 == 0; });
  std::move(small) | to("small", decimal_integer());
  std::move(even) | to("even", decimal_integer());
  const auto driver =
      run(topology.build(), {{.value = "1"}, {.value = "2"}, {.value = "3"}, {.value = "4"}});
  EXPECT_THAT(driver->values("small"), ElementsAre("1", "2"));
  EXPECT_THAT(driver->values("even"), ElementsAre("4"));
}

// flatMapValues: "Takes one record and produces zero, one, or more records, while retaining the
// key". "When new output records are generated via [...] stateless operations, they inherit the
// timestamp."
TEST(OperatorConformance, FlatMapKeepsKeyAndTimestamp) {
  TopologyBuilder topology{"flat-map"};
  topology.source("in", decimal_integer()) | flat_map([](std::int64_t n) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(n), n);
  }) | to("out", decimal_integer());
  const auto driver = run(topology.build(), {{.key = "k", .value = "2", .timestamp_ms = 1'000},
                                             {.key = "none", .value = "0", .timestamp_ms = 2'000}});
  const auto out = driver->read_output("out");
  ASSERT_EQ(out.size(), 2u);
  for (const OutputRecord& record : out) {
    EXPECT_EQ(record.key, "k");
    EXPECT_EQ(record.value, "2");
    EXPECT_EQ(record.timestamp_ms, 1'000);
  }
}

// selectKey: "Assigns a new key [...] to each record. [...] marks the stream for data
// re-partitioning". "internal repartition topics are named <application.id>-<name>-repartition".
TEST(OperatorConformance, ANewKeyMovesRecordsOnlyWhereTheStreamIsCut) {
  const auto last_digit = [](std::int64_t n) { return std::to_string(n % 10); };
  TopologyBuilder plain{"plain"};
  plain.source("in", decimal_integer()) | key_by(last_digit) | to("out", decimal_integer());
  const auto stays = run(plain.build(), {{.key = "old", .value = "17"}});
  EXPECT_EQ(stays->read_output("out").at(0).key, "7");
  EXPECT_FALSE(stays->broker().admin().describe_topic("plain-digits-repartition").ok());

  TopologyBuilder cut{"cut"};
  cut.source("in", decimal_integer()) | key_by(last_digit) | through("digits") |
      to("out", decimal_integer());
  const auto moves = run(cut.build(), {{.key = "old", .value = "17"}});
  EXPECT_EQ(moves->read_output("out").at(0).key, "7");
  EXPECT_TRUE(moves->broker().admin().describe_topic("cut-digits-repartition").ok());
}

// merge: "There is no ordering guarantee between records from different streams in the merged
// stream. Relative order is preserved within each input stream".
TEST(OperatorConformance, MergeKeepsTheOrderOfEachInput) {
  TopologyBuilder topology{"merge"};
  auto [odd, even] = topology.source("in", decimal_integer()) |
                     branch([](std::int64_t n) { return n % 2 != 0; }, otherwise());
  merge(std::move(odd), std::move(even)) | to("out", decimal_integer());
  std::vector<InputRecord> input;
  for (int n = 0; n < 20; ++n) input.push_back({.value = std::to_string(n)});
  const auto driver = run(topology.build(), input);
  std::vector<int> odds, evens;
  for (const std::string& value : driver->values("out"))
    (std::stoi(value) % 2 == 0 ? evens : odds).push_back(std::stoi(value));
  EXPECT_THAT(odds, ElementsAre(1, 3, 5, 7, 9, 11, 13, 15, 17, 19));
  EXPECT_THAT(evens, ElementsAre(0, 2, 4, 6, 8, 10, 12, 14, 16, 18));
}

}  // namespace
}  // namespace millrace
