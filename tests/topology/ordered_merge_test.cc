#include "millrace/operators/ordered_merge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"
#include "millrace/tests/line_log.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Options = OrderedMergeOptions>
Topology sorted(Options options = {}) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", decimal_integer()) | ordered_merge(by_value(), options) |
      to("out", decimal_integer());
  auto built = topology.build();
  EXPECT_TRUE(built.ok()) << built.status().message();
  return std::move(*built);
}

class OrderedMerge : public testing::Test {
 protected:
  void start(Topology topology, std::int32_t partitions, ApplicationConfig config = {}) {
    if (config.idle_after == ApplicationConfig{}.idle_after) config.idle_after = -1ms;
    driver_ = std::make_unique<TopologyTestDriver>(
        TopologyTestDriver::Options{.topology = std::move(topology),
                                    .config = config,
                                    .partitions = {{"in", partitions}, {"b", 2}},
                                    .log = &log_});
  }
  void put(std::int32_t partition, const std::vector<std::int64_t>& values) {
    for (const std::int64_t value : values)
      driver_->pipe_input("in", {.value = fmt::to_string(value), .partition = partition});
  }
  std::vector<std::string> out() {
    driver_->run_until_idle();
    return driver_->values("out");
  }

  /// Of random partitions, merged by so many instances to the end.
  void equals_a_sort(std::uint32_t seed, Topology topology, int instances) {
    std::mt19937 dice(seed);
    const auto pick = [&](int most) { return static_cast<std::int32_t>(dice() % most); };
    const std::int32_t partitions = 1 + pick(12);
    start(std::move(topology), partitions,
          {.until_end = true, .batch = {static_cast<std::size_t>(1 + pick(40)), 1 << 20}});
    std::vector<std::int64_t> all;
    for (std::int32_t partition = 0; partition < partitions; ++partition) {
      std::vector<std::int64_t> values(static_cast<std::size_t>(pick(200)));
      for (auto& value : values) value = pick(100);
      std::ranges::sort(values);
      put(partition, values);
      all.insert(all.end(), values.begin(), values.end());
    }
    std::ranges::sort(all);
    std::vector<std::string> expected;
    for (const std::int64_t value : all) expected.push_back(fmt::to_string(value));
    for (int i = 1; i < instances; ++i) ASSERT_TRUE(driver_->add_instance(fmt::format("b{}", i)));
    EXPECT_EQ(out(), expected) << "seed " << seed;
    EXPECT_TRUE(driver_->ended()) << "seed " << seed;
  }

  /// A partition that is so many records ahead is not read to its end, where a bad one stands.
  void reads_only_a_part(std::int64_t records, std::size_t partition_bytes, std::size_t batch) {
    start(sorted(OrderedMergeOptions{.partition_bytes = partition_bytes}), 2,
          {.batch = {batch, 1 << 20}});
    std::vector<std::int64_t> many(static_cast<std::size_t>(records));
    std::iota(many.begin(), many.end(), 1'000);
    put(0, many);
    driver_->pipe_input("in", {.value = "bad", .partition = 0});
    put(1, {1});
    EXPECT_THAT(out(), ElementsAre("1"));
    EXPECT_TRUE(driver_->status().ok()) << "read as far as the bad record: it holds all";
    put(1, {1'000'000});
    out();
    EXPECT_THAT(driver_->status().message(), HasSubstr("malformed"));
  }

  LineLog log_{LogLevel::kWarning};
  std::unique_ptr<TopologyTestDriver> driver_;
};

TEST_F(OrderedMerge, GivesOneAscendingSequence) {
  start(sorted(), 2, {.until_end = true});
  put(0, {1, 1, 1, 1});
  put(1, {2, 2, 4, 4, 6, 8});
  EXPECT_THAT(out(), ElementsAre("1", "1", "1", "1", "2", "2", "4", "4", "6", "8"));
  EXPECT_TRUE(driver_->ended());
  EXPECT_EQ(driver_->counters().merged, 10u);
  EXPECT_EQ(driver_->counters().out_of_order, 0u);
}

TEST_F(OrderedMerge, WaitsForAPartitionThatMayStillHaveSmallerOnes) {
  start(sorted(), 3);
  put(0, {1, 5, 9});
  put(1, {2, 3});
  EXPECT_THAT(out(), IsEmpty());
  put(2, {4});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3"));  // 1 may continue with anything from 3 on
  put(1, {6});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3", "4"));
  put(2, {7});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3", "4", "5", "6"));
}

TEST_F(OrderedMerge, PassesOverIdlePartitionsOnlyWhenAsked) {
  start(sorted(), 2, {.idle_after = 1s});
  put(0, {5});
  EXPECT_THAT(out(), IsEmpty());
  driver_->run_for(2s);
  EXPECT_THAT(out(), ElementsAre("5"));
  put(1, {3});
  driver_->run_for(2s);
  EXPECT_THAT(out(), ElementsAre("5", "3"));
  EXPECT_EQ(driver_->counters().out_of_order, 1u);
}

TEST_F(OrderedMerge, CommitsTheNextRecordToPassOnAndNotTheOneThatWasRead) {
  start(sorted(), 2);
  put(0, {1, 2, 3, 40, 50});
  put(1, {10, 20});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3", "10", "20"));
  const TopicPartition first{"in", 0};
  const auto committed = driver_->broker().admin().committed("sorted", {&first, 1});
  ASSERT_TRUE(committed.ok());
  EXPECT_EQ(committed->front().offset, 3);
}

TEST_F(OrderedMerge, GoesOnAfterACrashWithoutGapDuplicateOrInversion) {
  start(sorted(), 2);
  put(0, {1, 2, 3, 40, 50});
  put(1, {10, 20});
  EXPECT_EQ(out().size(), 5u);
  driver_->crash_instance("instance-1");
  driver_->advance(20s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  put(1, {45, 60});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3", "10", "20", "40", "45", "50"));
}

TEST_F(OrderedMerge, GoesOnAfterAnAbort) {
  start(sorted(), 2);
  put(0, {1, 2, 3, 40, 50});
  put(1, {10, 20});
  driver_->disturb();
  EXPECT_EQ(out().size(), 5u);
  driver_->disturb();
  put(1, {45, 60});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3", "10", "20", "40", "45", "50"));
}

TEST_F(OrderedMerge, EqualKeysComeByPartitionAndOffset) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", bytes()) | ordered_merge(by_key()) | to("out", bytes());
  start(*topology.build(), 3, {.until_end = true});
  for (const std::int32_t partition : {2, 0, 1})
    for (const char* const value : {"a", "b"})
      driver_->pipe_input(
          "in",
          {.key = "k", .value = fmt::format("{}{}", value, partition), .partition = partition});
  EXPECT_THAT(out(), ElementsAre("a0", "b0", "a1", "b1", "a2", "b2"));
  EXPECT_EQ(driver_->read_output("out").front().key, "k");
}

TEST_F(OrderedMerge, Descends) {
  start(sorted(OrderedMergeOptions{.descending = true}), 2, {.until_end = true});
  put(0, {9, 4});
  put(1, {7, 7, 1});
  EXPECT_THAT(out(), ElementsAre("9", "7", "7", "4", "1"));
}

TEST_F(OrderedMerge, TakesSeveralTopicsWithDifferentPartitions) {
  TopologyBuilder topology{"sorted"};
  ordered_merge(by_value(), OrderedMergeOptions{}, topology.source("in", decimal_integer()),
                topology.source("b", decimal_integer())) |
      to("out", decimal_integer());
  start(*topology.build(), 3, {.until_end = true});
  put(0, {3, 6});
  put(2, {1});
  driver_->pipe_input("b", {.value = "2", .partition = 1});
  driver_->pipe_input("b", {.value = "3", .partition = 0});
  EXPECT_THAT(out(), ElementsAre("1", "2", "3", "3", "6"));
}

TEST_F(OrderedMerge, FailsWhereAnInputIsNotSortedAndSaysWhere) {
  start(sorted(), 2, {.until_end = true});
  put(0, {1, 7, 5});
  put(1, {2});
  out();
  EXPECT_THAT(driver_->status().message(),
              testing::AllOf(HasSubstr("'in' partition 0 the record at offset 2 has 5"),
                             HasSubstr("smaller than 7")));
}

TEST_F(OrderedMerge, SeesADescentExactlyAtARestart) {
  for (const OnDisorder policy : {OnDisorder::kFail, OnDisorder::kDeadLetter, OnDisorder::kPass}) {
    start(sorted(OrderedMergeOptions{.on_disorder = policy}), 1,
          {.on_bad_record = BadRecordPolicy::kDeadLetter, .dead_letter_topic = "dead"});
    put(0, {1, 7});
    EXPECT_THAT(out(), ElementsAre("1", "7"));
    driver_->crash_instance("instance-1");
    driver_->advance(20s);
    ASSERT_TRUE(driver_->add_instance("instance-2"));
    put(0, {5, 8});
    const auto values = out();
    switch (policy) {
      case OnDisorder::kFail:
        EXPECT_THAT(driver_->status().message(), HasSubstr("offset 2 has 5"));
        break;
      case OnDisorder::kDeadLetter:
        EXPECT_THAT(values, ElementsAre("1", "7", "8"));
        EXPECT_THAT(driver_->values("dead"), ElementsAre("5"));
        EXPECT_EQ(driver_->counters().dead_lettered, 1u);
        break;
      case OnDisorder::kPass:
        EXPECT_THAT(values, ElementsAre("1", "7", "5", "8"));
        EXPECT_EQ(driver_->counters().out_of_order, 1u);
        EXPECT_THAT(log_.lines, Contains(HasSubstr("not sorted")));
        break;
    }
  }
}

TEST_F(OrderedMerge, SeesADescentOfKeysThatAreTooLongForTheOffset) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", bytes()) | ordered_merge(by_value()) | to("out", bytes());
  start(*topology.build(), 1);
  const std::string prefix(2'000, 'x');
  driver_->pipe_input("in", {.value = prefix + "b"});
  EXPECT_EQ(out().size(), 1u);
  driver_->crash_instance("instance-1");
  driver_->advance(20s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  driver_->pipe_input("in", {.value = prefix + "a"});
  out();
  EXPECT_THAT(driver_->status().message(), HasSubstr("not sorted"));
}

TEST_F(OrderedMerge, SeesADescentOfALongKeyBehindARecordThatWasNotPassedOn) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", bytes()) |
      filter([](std::string_view value) { return !value.starts_with("#"); }) |
      ordered_merge(by_value()) | to("out", bytes());
  start(*topology.build(), 1);
  const std::string prefix(2'000, 'x');
  driver_->pipe_input("in", {.value = prefix + "b"});
  EXPECT_EQ(out().size(), 1u);
  driver_->pipe_input("in", {.value = "# a comment"});
  EXPECT_EQ(out().size(), 1u);
  driver_->crash_instance("instance-1");
  driver_->advance(20s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  driver_->pipe_input("in", {.value = prefix + "a"});
  out();
  EXPECT_THAT(driver_->status().message(), HasSubstr("not sorted"));
}

struct Named {
  std::string name;
  std::int64_t number = 0;
};
constexpr auto millrace_fields(const Named*) { return std::tuple(&Named::name, &Named::number); }

/// A key may point into a value that the merge has a copy of.
TEST_F(OrderedMerge, OrdersByATextOfTheValue) {
  const auto build = [](auto options) {
    TopologyBuilder topology{"sorted"};
    topology.source("in", text()) | map([](std::string_view line) {
      return Named{std::string(line), static_cast<std::int64_t>(line.size())};
    }) |
        ordered_merge(by("name", [](const Named& named) { return std::string_view(named.name); }),
                      options) |
        map([](const Named& named) { return named.name; }) | to("out", text());
    return *topology.build();
  };
  for (const bool spread : {false, true}) {
    start(spread ? build(readers()) : build(OrderedMergeOptions{}), 2, {.until_end = true});
    for (const char* name : {"ada", "cid", "eve, whose name is too long for a small string"})
      driver_->pipe_input("in", {.value = name, .partition = 0});
    for (const char* name : {"bob", "dan", "fay, whose name is too long for a small string"})
      driver_->pipe_input("in", {.value = name, .partition = 1});
    EXPECT_THAT(out(), ElementsAre("ada", "bob", "cid", "dan", testing::StartsWith("eve,"),
                                   testing::StartsWith("fay,")));
  }
}

TEST_F(OrderedMerge, ARecordThatIsNoIntegerIsDeadLettered) {
  start(sorted(), 1,
        {.until_end = true,
         .on_bad_record = BadRecordPolicy::kDeadLetter,
         .dead_letter_topic = "dead"});
  put(0, {1});
  driver_->pipe_input("in", {.value = "two"});
  put(0, {3});
  EXPECT_THAT(out(), ElementsAre("1", "3"));
  EXPECT_THAT(driver_->values("dead"), ElementsAre("two"));
}

TEST_F(OrderedMerge, AnExceptionBehindItIsBlamedOnTheRecordThatItCameFrom) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", decimal_integer()) | ordered_merge(by_value()) |
      map([](std::int64_t value) {
        if (value == 4) throw std::runtime_error("four");
        return value;
      }) |
      to("out", decimal_integer());
  start(*topology.build(), 2,
        {.until_end = true,
         .on_bad_record = BadRecordPolicy::kDeadLetter,
         .dead_letter_topic = "dead"});
  put(0, {1, 4, 6});
  put(1, {2, 5});
  EXPECT_THAT(out(), ElementsAre("1", "2", "5", "6"));
  EXPECT_THAT(driver_->values("dead"), ElementsAre("4"));
}

TEST_F(OrderedMerge, HoldsABoundedPartOfAPartitionThatIsFarAhead) {
  reads_only_a_part(5'000, 4 * 1024, 16);
}

/// Each record comes alone, in a batch of its own that the merge must hold.
TEST_F(OrderedMerge, CountsTheMemoryOfRecordsThatTrickle) { reads_only_a_part(200, 256 * 1024, 1); }

/// Equal values are one entry of a run, and many where they are unpacked.
TEST_F(OrderedMerge, WithReadersARunHasABoundedNumberOfValues) {
  start(sorted(readers()), 1, {.until_end = true});
  put(0, std::vector<std::int64_t>(10'000, 7));
  EXPECT_EQ(out().size(), 10'000u);
  EXPECT_GE(driver_->read_output("sorted-merge-repartition").size(), 3u);
}

TEST_F(OrderedMerge, WithReadersAnExceptionBehindItRefusesNoWholeRun) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", decimal_integer()) | ordered_merge(by_value(), readers()) |
      map([](std::int64_t value) {
        if (value == 4) throw std::runtime_error("four");
        return value;
      }) |
      to("out", decimal_integer());
  start(*topology.build(), 1, {.until_end = true, .on_bad_record = BadRecordPolicy::kSkip});
  put(0, {1, 4, 6});
  out();
  EXPECT_THAT(driver_->status().message(), HasSubstr("threw: four"));
}

TEST_F(OrderedMerge, EqualsASort) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) equals_a_sort(seed, sorted(), 1);
}

TEST_F(OrderedMerge, WithReadersGivesTheSame) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) equals_a_sort(seed, sorted(readers()), 3);
}

TEST_F(OrderedMerge, WithReadersGoesOnInTheMiddleOfARun) {
  start(sorted(readers()), 2);
  put(0, {1, 2, 2, 2, 40, 50});
  EXPECT_THAT(out(), IsEmpty());
  put(1, {2});  // of the first run, 2 and its equals are out
  EXPECT_THAT(out(), ElementsAre("1", "2", "2", "2", "2"));
  driver_->crash_instance("instance-1");
  driver_->advance(20s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  put(1, {45, 60});
  EXPECT_THAT(out(), ElementsAre("1", "2", "2", "2", "2", "40", "45", "50"));
}

TEST_F(OrderedMerge, WithReadersAReaderFindsTheDisorder) {
  start(sorted(MergeReaders{{.on_disorder = OnDisorder::kDeadLetter}}), 2,
        {.until_end = true,
         .on_bad_record = BadRecordPolicy::kDeadLetter,
         .dead_letter_topic = "dead"});
  put(0, {1, 7, 5, 8});
  put(1, {6});
  EXPECT_THAT(out(), ElementsAre("1", "6", "7", "8"));
  EXPECT_THAT(driver_->values("dead"), ElementsAre("5"));
}

TEST_F(OrderedMerge, WithReadersPassesOverIdlePartitionsOnlyWhenAsked) {
  start(sorted(readers()), 2, {.idle_after = 1s});
  put(0, {5});
  EXPECT_THAT(out(), IsEmpty());
  driver_->run_for(2s);
  EXPECT_THAT(out(), ElementsAre("5"));
  driver_->crash_instance("instance-1");
  driver_->advance(20s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  put(0, {6});
  driver_->run_for(3s);
  EXPECT_THAT(out(), ElementsAre("5", "6"));
}

TEST_F(OrderedMerge, OneRecordMayBecomeManyThatAreNotPassedOnTogether) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", decimal_integer()) | flat_map([](std::int64_t value) {
    return std::vector<std::int64_t>{value, value + 10};
  }) | ordered_merge(by_value()) |
      to("out", decimal_integer());
  start(*topology.build(), 2);
  put(0, {1});
  put(1, {5});
  EXPECT_THAT(out(), ElementsAre("1", "5", "11"));  // 15 waits: 11 may come again
  driver_->crash_instance("instance-1");
  driver_->advance(20s);
  ASSERT_TRUE(driver_->add_instance("instance-2"));
  put(0, {20});
  EXPECT_THAT(out(), ElementsAre("1", "5", "11", "15"));
}

TEST(OrderedMergeBuild, MustFollowItsSourceDirectly) {
  TopologyBuilder topology{"sorted"};
  auto [a, b] = topology.source("in", decimal_integer()) | split<2>();
  std::move(a) | ordered_merge(by_value()) | to("out", decimal_integer());
  std::move(b) | to("out2", decimal_integer());
  EXPECT_THAT(topology.build().status().message(), HasSubstr("must follow its sources directly"));
}

TEST(OrderedMergeBuild, NothingIsKnownOfTimeBehindIt) {
  TopologyBuilder topology{"sorted"};
  topology.source("in", decimal_integer()) | ordered_merge(by_value()) |
      key_by([](std::int64_t value) { return value; }) | windows({tumbling(1min)}) | count("n") |
      to("out", json<KeyedWindow<std::int64_t, std::int64_t>>(
                    field("n", &KeyedWindow<std::int64_t, std::int64_t>::value)));
  EXPECT_THAT(topology.build().status().message(), HasSubstr("event_time"));
}

}  // namespace
}  // namespace millrace
