/// What Kafka Streams' documentation promises of aggregations, as inputs and outputs. Each case
/// quotes the sentence it is about (Developer Guide, Apache Kafka 4.1).
///
/// Where Millrace differs: it decodes values, so a null value meets the codec and its error policy
/// before any operator; a result's timestamp is the event time of the record that changed it, not
/// the highest of its key.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

using Count = Keyed<std::string, std::int64_t>;
using WindowCount = KeyedWindow<std::string, std::int64_t>;

/// "<key>=<value>", "<key>@<start>=<value>".
struct Line {
  std::string operator()(const Count& count) const {
    return fmt::format("{}={}", count.key, count.value);
  }
  std::string operator()(const WindowCount& count) const {
    return fmt::format("{}@{}={}", count.key, count.start_ms / 1000, count.value);
  }
};

struct Click {
  std::chrono::sys_seconds time;
};
/// "<seconds>".
class ClickCodec {
 public:
  using value_type = Click;
  DecodeOutcome decode(const RecordView& record, Arena&, Click& click) const {
    std::int64_t second = 0;
    std::from_chars(record.value.data(), record.value.data() + record.value.size(), second);
    click.time = std::chrono::sys_seconds(std::chrono::seconds(second));
    return {};
  }
  std::string describe() const { return "click"; }
};

class AggregationConformance : public testing::Test {
 protected:
  void start(Result<Topology> topology) {
    ASSERT_TRUE(topology.ok()) << topology.status().message();
    driver_ = std::make_unique<TopologyTestDriver>(
        TopologyTestDriver::Options{.topology = std::move(*topology)});
  }
  std::vector<std::string> after(std::optional<std::string> key, const std::string& value) {
    driver_->pipe_input("in", {.key = std::move(key), .value = value});
    driver_->run_until_idle();
    EXPECT_TRUE(driver_->status().ok()) << driver_->status().message();
    return driver_->values("out");
  }

  std::unique_ptr<TopologyTestDriver> driver_;
};

// count: "Counts the number of records by the grouped key." "Input records with null keys or values
// are ignored."
TEST_F(AggregationConformance, CountIgnoresNullKeys) {
  TopologyBuilder topology{"count"};
  topology.source("in", decimal_integer()) | count("counts") | map(Line()) | to("out", text());
  start(topology.build());
  after("a", "1");
  after(std::nullopt, "1");
  after("b", "1");
  EXPECT_THAT(after("a", "1"), ElementsAre("a=1", "b=1", "a=2"));
}

// aggregate: "When a record key is received for the first time, the initializer is called (and
// called before the adder)." "Whenever a record with a non-null value is received, the adder is
// called." "for example, the aggregate value to have a different type than the input values".
TEST_F(AggregationConformance, AggregateInitialisesEachKeyBeforeAdding) {
  TopologyBuilder topology{"aggregate"};
  topology.source("in", text()) |
      aggregate("lengths", std::int64_t{10},
                [](std::int64_t& sum, std::string_view value) {
                  sum += static_cast<std::int64_t>(value.size());
                }) |
      map(Line()) | to("out", text());
  start(topology.build());
  after("a", "one");
  after("b", "three");
  EXPECT_THAT(after("a", "four"), ElementsAre("a=13", "b=15", "a=17"));
}

// reduce: "The current record value is combined with the last reduced value, and a new reduced
// value is returned." "When a record key is received for the first time, then the value of that
// record is used as the initial aggregate value." "The result value type cannot be changed".
TEST_F(AggregationConformance, ReduceBeginsWithTheFirstValueAndKeepsTheOrderOfArguments) {
  TopologyBuilder topology{"reduce"};
  topology.source("in", decimal_integer()) |
      reduce("differences",
             [](std::int64_t last, std::int64_t current) { return last - current; }) |
      map(Line()) | to("out", text());
  start(topology.build());
  after("a", "10");
  after("a", "3");
  EXPECT_THAT(after("a", "2"), ElementsAre("a=10", "a=7", "a=5"));
}

// groupByKey: "causes data re-partitioning if and only if the stream was marked for
// re-partitioning." selectKey and groupBy mark it; mapValues and filter do not.
TEST_F(AggregationConformance, OnlyANewKeyCausesRepartitioning) {
  const auto cuts = [&](auto prepare) {
    TopologyBuilder topology{"group"};
    prepare(topology.source("in", decimal_integer())) | count("counts") | map(Line()) |
        to("out", text());
    return topology.build()->sub_topologies().size() == 2;
  };
  EXPECT_FALSE(cuts([](auto stream) { return stream; }));
  EXPECT_FALSE(cuts([](auto stream) {
    return std::move(stream) | filter([](std::int64_t n) { return n > 0; }) |
           map([](std::int64_t n) { return 2 * n; });
  }));
  EXPECT_TRUE(cuts([](auto stream) {
    return std::move(stream) | key_by([](std::int64_t n) { return std::to_string(n); });
  }));
}

// "The name of the repartition topic [...] is <application.id>-<name>-repartition", "the changelog
// topic <application.id>-<storeName>-changelog", compacted.
TEST_F(AggregationConformance, InternalTopicsHaveKafkaStreamsNames) {
  TopologyBuilder topology{"names"};
  topology.source("in", decimal_integer()) |
      key_by([](std::int64_t n) { return std::to_string(n); }) | count("counts") | map(Line()) |
      to("out", text());
  start(topology.build());
  EXPECT_THAT(after("ignored", "7"), ElementsAre("7=1"));
  EXPECT_TRUE(driver_->broker().admin().describe_topic("names-counts-repartition").ok());
  const auto changelog = driver_->broker().admin().describe_topic("names-counts-changelog");
  ASSERT_TRUE(changelog.ok());
}

class WindowedAggregationConformance : public AggregationConformance {
 protected:
  template <class Emission>
  void counts(std::chrono::milliseconds grace, Emission emission) {
    TopologyBuilder topology{"windows"};
    topology.source("in", ClickCodec()) | event_time(&Click::time, lateness(0ms), no_jump_guard()) |
        windows(tumbling(60s), grace) | count("counts", emission) | map(Line()) | to("out", text());
    start(topology.build());
  }
};

// Windowed count: "Counts the number of records, per window, by the grouped key." "When a record
// key is received for the first time for a given window, the initializer is called".
TEST_F(WindowedAggregationConformance, EachKeyBeginsAnewInEachWindow) {
  counts(0ms, on_update());
  after("a", "0");
  after("a", "59");
  after("b", "59");
  EXPECT_THAT(after("a", "60"), ElementsAre("a@0=1", "a@0=2", "b@0=1", "a@60=1"));
}

// "Late records [...] that arrive after the window end plus the grace period are not considered";
// out-of-order ones within it update their own window, whatever came since.
TEST_F(WindowedAggregationConformance, OutOfOrderRecordsUpdateTheirWindowUntilTheGraceIsOver) {
  counts(30s, on_update());
  after("a", "10");
  after("a", "80");
  EXPECT_THAT(after("a", "20"), ElementsAre("a@0=1", "a@60=1", "a@0=2"));
  EXPECT_EQ(after("a", "90").size(), 4u);
  EXPECT_EQ(after("a", "30").size(), 4u);  // 60 + 30 is reached
  EXPECT_EQ(driver_->counters().late, 1u);
}

// suppress(untilWindowCloses), EmitStrategy.onWindowClose: "only the final result", "once the
// window closes", "exactly one final result per window" and key.
TEST_F(WindowedAggregationConformance, OnCloseEmitsOneFinalResultPerKeyAndWindow) {
  counts(10s, on_close());
  after("b", "1");
  after("a", "2");
  after("b", "61");
  EXPECT_THAT(after("a", "69"), IsEmpty());
  EXPECT_THAT(after("a", "70"), ElementsAre("a@0=1", "b@0=1"));
  EXPECT_THAT(after("a", "129"), ElementsAre("a@0=1", "b@0=1"));
  EXPECT_THAT(after("a", "130"), ElementsAre("a@0=1", "b@0=1", "a@60=2", "b@60=1"));
}

// "Stream time only advances with the highest timestamp seen": a key that stands still does not
// hold the windows of others back.
TEST_F(WindowedAggregationConformance, OneKeysRecordsCloseTheWindowsOfAll) {
  counts(0ms, on_close());
  after("quiet", "5");
  EXPECT_THAT(after("busy", "60"), ElementsAre("quiet@0=1"));
}

}  // namespace
}  // namespace millrace
