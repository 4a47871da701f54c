#include "millrace/operators/process.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>

#include "millrace/millrace.h"
#include "millrace/tests/kit/faulty_broker.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t kStart = 1'468'244'400;

struct Beat {
  std::chrono::sys_seconds time;
  std::string host;
};
auto millrace_fields(const Beat*) { return fields<Beat>(&Beat::host); }

/// "<second> <host>".
class BeatCodec {
 public:
  using value_type = Beat;
  DecodeOutcome decode(const RecordView& record, Arena&, Beat& beat) const {
    std::int64_t second = 0;
    const char* const end = record.value.data() + record.value.size();
    const char* const at = std::from_chars(record.value.data(), end, second).ptr;
    beat.time = std::chrono::sys_seconds(std::chrono::seconds(kStart + second));
    beat.host.assign(at + 1, end);
    return {};
  }
  std::string describe() const { return "beat"; }
};

/// The example of process.h: says which hosts have been silent for a minute.
struct Alarm {
  using output_type = std::string;
  void open(ProcessContext& context) { context_ = &context; }
  void operator()(const Beat&, const RecordInfo& info, auto&&) {
    context_->schedule(PunctuationType::kEventTime, info.event_time_ms + 60'000, info.key);
  }
  void on_punctuation(const Punctuation& silent, auto&& next) {
    next(std::string(silent.tag) + " is silent", silent.info);
  }
  ProcessContext* context_ = nullptr;
};

/// Counts beats per host, and tells all counts every ten seconds of the wall clock.
struct Report {
  using output_type = std::string;
  void open(ProcessContext& context) {
    context_ = &context;
    counts_ = context.store<std::string, std::int32_t>();
  }
  void operator()(const Beat& beat, const RecordInfo&, auto&&) {
    const auto count = counts_.get(beat.host);
    if (!count) context_->schedule(PunctuationType::kWallClock, context_->wall_ms() + 10'000);
    if (beat.host == "stop") {
      context_->cancel(PunctuationType::kWallClock);
      counts_.erase("stop");
    } else {
      counts_.put(beat.host, count.value_or(0) + 1);
    }
  }
  void on_punctuation(const Punctuation& now, auto&& next) {
    counts_.each([&](const std::string& host, std::int32_t count) {
      next(fmt::format("{} {}", host, count), now.info);
    });
    context_->schedule(PunctuationType::kWallClock, now.now_ms + 10'000);
  }
  ProcessContext* context_ = nullptr;
  TypedStore<std::string, std::int32_t> counts_;
};

template <class Processor>
Result<Topology> with(Processor processor) {
  TopologyBuilder topology{"hosts"};
  topology.source("in", BeatCodec()) | event_time(&Beat::time, lateness(0s), no_jump_guard()) |
      key_by(&Beat::host) | process("state", std::move(processor)) | to("out", text());
  return topology.build();
}

class ProcessTest : public testing::Test {
 protected:
  void start(Result<Topology> topology, std::int32_t partitions = 1,
             ApplicationConfig config = {.idle_after = -1ms}) {
    ASSERT_TRUE(topology.ok()) << topology.status().message();
    driver_ = std::make_unique<TopologyTestDriver>(
        TopologyTestDriver::Options{.topology = std::move(*topology),
                                    .config = config,
                                    .partitions = {{"in", partitions}},
                                    .wrap_broker = [this](Broker& broker) {
                                      return std::make_unique<FaultyBroker>(broker, faults_);
                                    }});
  }
  void pipe(std::int64_t second, const std::string& host, std::int32_t partition = 0) {
    driver_->pipe_input("in",
                        {.value = fmt::format("{} {}", second, host), .partition = partition});
  }
  std::vector<std::string> out() {
    driver_->run_until_idle();
    EXPECT_TRUE(driver_->status().ok()) << driver_->status().message();
    return driver_->values("out");
  }

  Faults faults_;
  std::unique_ptr<TopologyTestDriver> driver_;
};

TEST_F(ProcessTest, PunctuatesByTheEventTimeOfTheSlowestSource) {
  start(with(Alarm{}), 2);
  pipe(0, "a");
  pipe(5, "b", 1);
  EXPECT_THAT(out(), IsEmpty());
  pipe(30, "b");
  EXPECT_THAT(out(), IsEmpty());
  pipe(70, "c");
  EXPECT_THAT(out(), IsEmpty());
  pipe(65, "c", 1);
  EXPECT_THAT(out(), ElementsAre("a is silent"));
  const OutputRecord result = driver_->read_output("out").front();
  EXPECT_EQ(result.key, "a");
  EXPECT_EQ(result.timestamp_ms, (kStart + 60) * 1000);
  pipe(100, "c");
  pipe(100, "c", 1);
  EXPECT_THAT(out(), ElementsAre("a is silent", "b is silent"));
}

TEST_F(ProcessTest, PunctuatesInTheOrderOfTheTimesScheduled) {
  start(with(Alarm{}));
  for (const auto& [second, host] : {std::pair(7, "x"), {3, "y"}, {5, "b"}, {5, "a"}})
    pipe(second, host);
  pipe(500, "end");
  EXPECT_THAT(out(), ElementsAre("y is silent", "a is silent", "b is silent", "x is silent"));
}

TEST_F(ProcessTest, PunctuatesByTheWallClockWithoutInput) {
  start(with(Report{}));
  pipe(0, "a");
  pipe(0, "b");
  pipe(0, "a");
  EXPECT_THAT(out(), IsEmpty());
  driver_->advance(10s);
  EXPECT_THAT(out(), ElementsAre("a 2", "b 1"));
  driver_->advance(5s);
  EXPECT_EQ(out().size(), 2u);
  driver_->advance(5s);
  EXPECT_EQ(out().size(), 4u);
}

TEST_F(ProcessTest, CancelsWhatWasScheduled) {
  start(with(Report{}));
  pipe(0, "a");
  out();
  pipe(0, "stop");
  out();
  driver_->advance(60s);
  EXPECT_THAT(out(), IsEmpty());
}

TEST_F(ProcessTest, ScheduleAndStoreOutliveACrash) {
  start(with(Report{}), 2);
  pipe(0, "a");
  pipe(0, "a", 1);
  EXPECT_THAT(out(), IsEmpty());
  driver_->crash_instance("instance-1");
  driver_->advance(30s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  EXPECT_THAT(out(), ElementsAre("a 2"));
}

/// What a transaction scheduled, or took out because it came, is as before when it is aborted.
TEST_F(ProcessTest, AnAbortTakesScheduleAndStoreBack) {
  for (const Faults::Point point :
       {Faults::Point::kSendOffsets, Faults::Point::kBeforeCommit, Faults::Point::kAfterCommit}) {
    int faults = 0;
    faults_.at = [&](Faults::Point at) {
      if (at != point || faults == 0) return Faults::Fault::kNone;
      --faults;
      return at == Faults::Point::kAfterCommit ? Faults::Fault::kUnknown : Faults::Fault::kAbort;
    };
    start(with(Alarm{}));
    faults = 3;
    pipe(0, "a");
    pipe(30, "a");
    EXPECT_THAT(out(), IsEmpty());
    faults = 3;
    pipe(61, "b");
    EXPECT_THAT(out(), IsEmpty());  // replaced by the second
    faults = 3;
    pipe(90, "c");
    EXPECT_THAT(out(), ElementsAre("a is silent"));
    faults = 3;
    driver_->disturb();
    pipe(121, "c");
    EXPECT_THAT(out(), ElementsAre("a is silent", "b is silent"));
  }
}

TEST_F(ProcessTest, ARebalanceInMidTransactionTakesScheduleAndStoreBack) {
  start(with(Report{}));
  pipe(0, "a");
  EXPECT_THAT(out(), IsEmpty());
  pipe(0, "a");
  pipe(0, "stop");
  for (int i = 0; i < 5; ++i) driver_->turn("instance-1");  // read, and not committed
  driver_->disturb();
  pipe(0, "b");
  EXPECT_THAT(out(), IsEmpty());
  driver_->advance(10s);
  EXPECT_THAT(out(), ElementsAre("a 2", "b 1"));
}

/// Repeats itself every minute of event time.
struct Ticker {
  using output_type = std::string;
  void open(ProcessContext& context) { context_ = &context; }
  void operator()(const Beat&, const RecordInfo& info, auto&&) {
    context_->schedule(PunctuationType::kEventTime, info.event_time_ms + 60'000);
  }
  void on_punctuation(const Punctuation& tick, auto&& next) {
    next(std::to_string(tick.at_ms / 1000 - kStart), tick.info);
    context_->schedule(PunctuationType::kEventTime, tick.at_ms + 60'000);
  }
  ProcessContext* context_ = nullptr;
};

TEST_F(ProcessTest, TheEndOfABoundedRunPunctuatesOnce) {
  for (const bool rekeyed : {false, true}) {
    TopologyBuilder topology{"hosts"};
    const auto finish = [](auto stream) {
      std::move(stream) | process("state", Ticker{}) | to("out", text());
    };
    auto beats =
        topology.source("in", BeatCodec()) | event_time(&Beat::time, lateness(0s), no_jump_guard());
    if (rekeyed)
      finish(std::move(beats) | key_by(&Beat::host));
    else
      finish(std::move(beats));
    start(topology.build(), 1, {.idle_after = -1ms, .until_end = true});
    pipe(0, "a");
    pipe(10, "a");
    EXPECT_THAT(out(), ElementsAre("70"));
    EXPECT_TRUE(driver_->ended());
    // The next run goes on with what was scheduled at the end of the first.
    ASSERT_TRUE(driver_->add_instance("instance-1"));
    EXPECT_THAT(out(), ElementsAre("70", "130"));
    EXPECT_TRUE(driver_->ended());
  }
}

TEST_F(ProcessTest, IsOneSubTopologyWithItsSourceWithoutAChangeOfTheKey) {
  TopologyBuilder topology{"hosts"};
  topology.source("in", BeatCodec()) | event_time(&Beat::time, lateness(0s), no_jump_guard()) |
      process("state", Ticker{}) | to("out", text());
  const auto built = topology.build();
  ASSERT_TRUE(built.ok());
  EXPECT_EQ(built->sub_topologies().size(), 1u);
  EXPECT_THAT(built->sub_topologies().front().stores, ElementsAre("state"));
}

}  // namespace
}  // namespace millrace
