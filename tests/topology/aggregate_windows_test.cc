#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <set>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t kMinute = 1'468'244'400;  // 2016-07-11T13:40:00Z

struct Sale {
  std::chrono::sys_seconds time;
  std::string item;
};
auto millrace_fields(const Sale*) { return fields<Sale>(&Sale::item); }

/// "<second of the minute> <item>".
class SaleCodec {
 public:
  using value_type = Sale;
  DecodeOutcome decode(const RecordView& record, Arena&, Sale& sale) const {
    std::int64_t second = 0;
    const char* const end = record.value.data() + record.value.size();
    const char* const at = std::from_chars(record.value.data(), end, second).ptr;
    sale.time = std::chrono::sys_seconds(std::chrono::seconds(kMinute + second));
    sale.item.assign(at + 1, end);
    return {};
  }
  std::string describe() const { return "sale"; }
};

/// "<start>+<length> <key>: <value>", and ", <revision>" from the second one on.
class LineCodec {
 public:
  using value_type = KeyedWindow<std::string, std::int64_t>;
  void encode(const value_type& result, std::string& out) const {
    out += fmt::format("{}+{} {}: {}", result.start_ms / 1000 - kMinute,
                       (result.end_ms - result.start_ms) / 1000, result.key, result.value);
    if (result.revision > 0) out += fmt::format(", {}", result.revision);
    if (!result.final) out += " so far";
  }
  std::string describe() const { return "line"; }
};

auto sales(TopologyBuilder& topology) {
  return topology.source("in", SaleCodec()) |
         event_time(&Sale::time, lateness(0s), no_jump_guard());
}

class AggregateWindowsTest : public testing::Test {
 protected:
  void start(Result<Topology> topology, std::int32_t partitions = 1,
             ApplicationConfig config = {}) {
    ASSERT_TRUE(topology.ok()) << topology.status().message();
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = std::move(*topology), .config = config, .partitions = {{"in", partitions}}});
  }
  void pipe(std::int64_t second, const std::string& item, std::int32_t partition = 0) {
    driver_->pipe_input(
        "in", {.key = item, .value = fmt::format("{} {}", second, item), .partition = partition});
  }
  std::vector<std::string> out() {
    driver_->run_until_idle();
    EXPECT_TRUE(driver_->status().ok()) << driver_->status().message();
    return driver_->values("out");
  }
  /// Keys of windows that a restore would find.
  std::size_t kept(const std::string& changelog) const {
    std::set<std::string> keys;
    for (const OutputRecord& record : driver_->read_output(changelog)) {
      if (record.key->front() != 'v') continue;
      if (record.value)
        keys.insert(*record.key);
      else
        keys.erase(*record.key);
    }
    return keys.size();
  }

  std::unique_ptr<TopologyTestDriver> driver_;
};

template <class Emission>
Result<Topology> counts(Emission emission, std::chrono::milliseconds grace = 0ms) {
  TopologyBuilder topology{"shop"};
  sales(topology) | key_by(&Sale::item) | windows(tumbling(60s), grace) | count("sales", emission) |
      to("out", LineCodec());
  return topology.build();
}

TEST_F(AggregateWindowsTest, OnCloseEmitsEachKeyOfAWindowOnceInTheOrderOfTheKeys) {
  start(counts(on_close()), 2);
  pipe(10, "pear");
  pipe(59, "fig", 1);
  pipe(20, "pear", 1);
  EXPECT_THAT(out(), IsEmpty());
  pipe(60, "fig");
  EXPECT_THAT(out(), IsEmpty());  // the other partition has not come so far
  pipe(70, "fig", 1);
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1", "0+60 pear: 2"));
  pipe(130, "pear");
  pipe(130, "pear", 1);
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1", "0+60 pear: 2", "60+60 fig: 2"));
}

TEST_F(AggregateWindowsTest, OnUpdateEmitsEveryStateOfAWindow) {
  start(counts(on_update()));
  for (const int second : {10, 20, 70, 80}) pipe(second, "fig");
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1 so far", "0+60 fig: 2 so far", "60+60 fig: 1 so far",
                                 "60+60 fig: 2 so far"));
}

TEST_F(AggregateWindowsTest, OnCommitEmitsTheLatestStateOfAWindow) {
  start(counts(on_commit()));
  for (const int second : {10, 20, 70}) pipe(second, "fig");
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 2 so far", "60+60 fig: 1 so far"));
}

TEST_F(AggregateWindowsTest, TakesValuesDuringTheGraceAndCountsThoseBehindItAsLate) {
  start(counts(on_close(), 10s));
  pipe(10, "fig");
  pipe(69, "fig");
  pipe(11, "fig");  // out of order, within the grace
  EXPECT_THAT(out(), IsEmpty());
  pipe(70, "fig");
  pipe(12, "fig");  // late
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 2"));
  EXPECT_EQ(driver_->counters().late, 1u);
  EXPECT_THAT(driver_->counters().late_by_window, ElementsAre(1u));
}

TEST_F(AggregateWindowsTest, DropsTheStateOfClosedWindows) {
  start(counts(on_close()));
  for (const std::string item : {"fig", "pear", "plum"}) pipe(10, item);
  EXPECT_THAT(out(), IsEmpty());
  EXPECT_EQ(kept("shop-sales-changelog"), 3u);
  pipe(60, "fig");
  EXPECT_EQ(out().size(), 3u);
  EXPECT_EQ(kept("shop-sales-changelog"), 1u);
}

TEST_F(AggregateWindowsTest, OnUpdateDropsTheStateOfClosedWindowsToo) {
  start(counts(on_update()), 2);
  pipe(10, "fig");
  pipe(10, "fig", 1);
  pipe(60, "fig");
  out();
  EXPECT_EQ(kept("shop-sales-changelog"), 2u);  // one partition may still send to the first
  pipe(11, "fig", 1);
  pipe(61, "fig", 1);
  EXPECT_EQ(out().size(), 5u);
  EXPECT_EQ(kept("shop-sales-changelog"), 1u);
}

TEST_F(AggregateWindowsTest, FoldsPerWindowOfEachDefinition) {
  TopologyBuilder topology{"shop"};
  sales(topology) | key_by(&Sale::item) | windows({tumbling(60s), tumbling(120s)}) |
      aggregate(
          "lengths", std::int64_t{0},
          [](std::int64_t& sum, const Sale& sale) {
            sum += static_cast<std::int64_t>(sale.item.size());
          },
          on_close()) |
      to("out", LineCodec());
  start(topology.build());
  for (const int second : {10, 70, 130, 300}) pipe(second, "fig");
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 3", "60+60 fig: 3", "0+120 fig: 6", "120+60 fig: 3",
                                 "120+120 fig: 3"));
}

TEST_F(AggregateWindowsTest, NeedsNoRepartitionWithoutAChangeOfTheKey) {
  TopologyBuilder topology{"shop"};
  sales(topology) | windows(tumbling(60s)) | count("sales", on_close()) | to("out", LineCodec());
  start(topology.build(), 2);
  pipe(10, "fig");
  pipe(61, "fig");
  pipe(10, "pear", 1);
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1"));  // each partition by its own time
  EXPECT_FALSE(driver_->broker().admin().describe_topic("shop-sales-repartition").ok());
  driver_->crash_instance("instance-1");
  driver_->advance(30s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  pipe(11, "pear", 1);
  pipe(120, "pear", 1);
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1", "0+60 pear: 2"));
}

TEST_F(AggregateWindowsTest, GoesOnWhereACrashedInstanceHadCommitted) {
  start(counts(on_close()), 2);
  pipe(10, "fig");
  pipe(10, "fig", 1);
  EXPECT_THAT(out(), IsEmpty());
  driver_->crash_instance("instance-1");
  driver_->advance(30s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  pipe(11, "fig");
  pipe(60, "fig");
  pipe(60, "fig", 1);
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 3"));
}

TEST_F(AggregateWindowsTest, TakesBackWhatWasAborted) {
  start(counts(on_close()));
  pipe(10, "fig");
  EXPECT_THAT(out(), IsEmpty());
  pipe(11, "fig");
  pipe(65, "pear");
  for (int i = 0; i < 5; ++i) driver_->turn("instance-1");  // read, and not committed
  driver_->disturb();
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 2"));
}

/// An idle partition does not hold windows back; what it brings later is a revision of its keys.
TEST_F(AggregateWindowsTest, ChangesAfterAnEarlyCloseAreRevisionsOfTheirKeysAlone) {
  start(counts(on_close()), 2, {.idle_after = 5s});
  pipe(10, "fig");
  pipe(10, "pear");
  pipe(10, "pear", 1);
  EXPECT_THAT(out(), IsEmpty());
  driver_->advance(6s);
  pipe(61, "fig");
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1", "0+60 pear: 2"));
  EXPECT_EQ(driver_->counters().early_closes, 2u);  // the keys are in two tasks
  pipe(12, "fig", 1);
  EXPECT_EQ(out().size(), 2u);  // the other partition is back, and has not come so far
  driver_->advance(6s);
  pipe(62, "plum");
  EXPECT_THAT(out(), ElementsAre("0+60 fig: 1", "0+60 pear: 2", "0+60 fig: 2, 1"));
  pipe(61, "plum", 1);
  EXPECT_EQ(out().size(), 3u);
  EXPECT_EQ(kept("shop-sales-changelog"), 2u);
}

/// More results than one transaction takes: the end of the run waits for all of them.
TEST_F(AggregateWindowsTest, ABoundedRunEndsWhenAllResultsAreOut) {
  for (const bool rekeyed : {false, true}) {
    TopologyBuilder topology{"shop"};
    const auto finish = [](auto stream) {
      std::move(stream) | windows(tumbling(60s)) | count("sales", on_close()) |
          to("out", LineCodec());
    };
    if (rekeyed)
      finish(sales(topology) | key_by(&Sale::item));
    else
      finish(sales(topology));
    start(topology.build(), 1, {.until_end = true});
    for (int window = 0; window < 4; ++window)
      for (int i = 0; i < 5'000; ++i) pipe(60 * window, std::to_string(i));
    EXPECT_EQ(out().size(), 20'000u);
    EXPECT_TRUE(driver_->ended());
    EXPECT_EQ(driver_->counters().early_closes, 0u);
  }
}

TEST_F(AggregateWindowsTest, ReducesPerWindow) {
  TopologyBuilder topology{"shop"};
  sales(topology) | key_by([](const Sale& sale) { return sale.item.size(); }) |
      windows(tumbling(60s)) |
      reduce(
          "last", [](const Sale& a, const Sale& b) { return a.item < b.item ? b : a; },
          on_close()) |
      map([](const KeyedWindow<std::size_t, Sale>& best) {
        return fmt::format("{} {}", best.key, best.value.item);
      }) |
      to("out", text());
  start(topology.build());
  for (const std::string item : {"fig", "nut", "date", "kiwi"}) pipe(1, item);
  pipe(60, "fig");
  EXPECT_THAT(out(), ElementsAre("3 nut", "4 kiwi"));
}

TEST_F(AggregateWindowsTest, OfResultsOfWindowsAreRefused) {
  TopologyBuilder topology{"shop"};
  sales(topology) | key_by(&Sale::item) | windows(tumbling(60s)) | count("minutes", on_close()) |
      windows(tumbling(3600s)) | count("hours", on_close()) | to("out", LineCodec());
  const auto built = topology.build();
  ASSERT_FALSE(built.ok());
  EXPECT_THAT(built.status().message(), HasSubstr("behind the results of windows"));
}

}  // namespace
}  // namespace millrace
