#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "millrace/millrace.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

ApplicationConfig with_dead_letters() {
  ApplicationConfig config;
  config.on_bad_record = BadRecordPolicy::kDeadLetter;
  config.dead_letter_topic = "dead";
  return config;
}

Topology integers() {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | to("out", decimal_integer());
  return *topology.build();
}

/// Throws on 13, behind an inner edge if `behind_edge`.
Topology throwing(bool behind_edge) {
  const auto unlucky = [](std::int64_t n) {
    if (n == 13) throw std::runtime_error("unlucky");
    return n;
  };
  TopologyBuilder topology{"test"};
  if (behind_edge) {
    auto [a, b] = topology.source("in", decimal_integer()) | split<2>();
    std::move(a) | map(unlucky) | to("out", decimal_integer());
    std::move(b) | to("copy", decimal_integer());
  } else {
    topology.source("in", decimal_integer()) | map(unlucky) | to("out", decimal_integer());
  }
  return *topology.build();
}

TEST(BadRecords, GoToTheDeadLetterTopicAsTheyCameAndSayWhy) {
  TopologyTestDriver driver(
      {.topology = integers(), .config = with_dead_letters(), .partitions = {{"in", 2}}});
  driver.pipe_input("in", {.value = "1", .partition = 1});
  driver.pipe_input("in", {.key = "k", .value = "x1", .partition = 1, .timestamp_ms = 77});
  driver.pipe_input("in", {.value = "2", .partition = 1});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("1", "2"));
  const auto dead = driver.read_output("dead");
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].key, "k");
  EXPECT_EQ(dead[0].value, "x1");
  EXPECT_THAT(
      dead[0].headers,
      AllOf(Contains(Pair("millrace.topic", "in")), Contains(Pair("millrace.partition", "1")),
            Contains(Pair("millrace.offset", "1")), Contains(Pair("millrace.timestamp", "77")),
            Contains(Pair("millrace.error", "malformed"))));
  EXPECT_EQ(driver.counters().dead_lettered, 1u);
}

TEST(BadRecords, AreCountedWhenSkipped) {
  TopologyTestDriver driver(
      {.topology = integers(), .config = {.on_bad_record = BadRecordPolicy::kSkip}});
  for (const char* value : {"1", "x", "", "2"}) driver.pipe_input("in", {.value = value});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("1", "2"));
  EXPECT_EQ(driver.counters().dead_lettered, 2u);
}

TEST(BadRecords, StopTheApplicationWhereNoDeadLetterTopicIsSet) {
  TopologyTestDriver driver({.topology = integers()});
  for (const char* value : {"1", "x", "2"}) driver.pipe_input("in", {.value = value});
  driver.run_until_idle();
  EXPECT_EQ(driver.status().code(), StatusCode::kFailed);
  EXPECT_THAT(driver.status().message(),
              AllOf(HasSubstr("'in'"), HasSubstr("partition 0"), HasSubstr("offset 1"),
                    HasSubstr("malformed"), HasSubstr("--dead-letter")));
  EXPECT_THAT(driver.values("out"), IsEmpty());  // the batch was aborted as a whole
}

TEST(UserExceptions, GoToTheDeadLetterTopicAloneAndNothingIsHalfApplied) {
  for (const bool behind_edge : {false, true}) {
    TopologyTestDriver driver({.topology = throwing(behind_edge), .config = with_dead_letters()});
    for (const char* value : {"11", "12", "13", "14", "15"})
      driver.pipe_input("in", {.value = value});
    driver.run_until_idle();
    ASSERT_TRUE(driver.status().ok()) << driver.status().message();
    EXPECT_THAT(driver.values("out"), ElementsAre("11", "12", "14", "15")) << behind_edge;
    const auto dead = driver.read_output("dead");
    ASSERT_THAT(dead, SizeIs(1)) << behind_edge;
    EXPECT_EQ(dead[0].value, "13");
    EXPECT_THAT(dead[0].headers, AllOf(Contains(Pair("millrace.offset", "2")),
                                       Contains(Pair("millrace.error", "user-exception")),
                                       Contains(Pair("millrace.detail", HasSubstr("unlucky")))));
    if (!behind_edge) continue;
    EXPECT_THAT(driver.values("copy"), ElementsAre("11", "12", "14", "15"));
  }
}

/// Throws on 13 while it decodes.
struct ThrowingCodec {
  using value_type = std::string;
  DecodeOutcome decode(const RecordView& record, Arena&, std::string& value) {
    if (record.value == "13") throw std::runtime_error("unlucky");
    value = record.value;
    return {};
  }
  void encode(const std::string& value, std::string& out) const { out += value; }
  std::string describe() const { return "throwing"; }
};

TEST(UserExceptions, OfCodecsAreDeadLetteredToo) {
  TopologyBuilder topology{"test"};
  topology.source("in", ThrowingCodec{}) | to("out", ThrowingCodec{});
  TopologyTestDriver driver({.topology = *topology.build(), .config = with_dead_letters()});
  for (const char* value : {"11", "12", "13", "14", "13"})
    driver.pipe_input("in", {.value = value});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("11", "12", "14"));
  EXPECT_THAT(driver.values("dead"), ElementsAre("13", "13"));
}

TEST(UserExceptions, StopTheApplicationWhereNoDeadLetterTopicIsSet) {
  for (const bool behind_edge : {false, true}) {
    TopologyTestDriver driver({.topology = throwing(behind_edge)});
    for (const char* value : {"12", "13", "14"}) driver.pipe_input("in", {.value = value});
    driver.run_until_idle();
    EXPECT_EQ(driver.status().code(), StatusCode::kFailed);
    EXPECT_THAT(driver.status().message(),
                AllOf(HasSubstr("'in' partition 0 offset 1 "), HasSubstr("unlucky")));
    EXPECT_THAT(driver.values("out"), IsEmpty());
  }
}

TEST(UserExceptions, AreDeadLetteredWithoutTransactionsToo) {
  ApplicationConfig config = with_dead_letters();
  config.guarantee = Guarantee::kAtLeastOnce;
  TopologyTestDriver driver({.topology = throwing(false), .config = config});
  for (const char* value : {"11", "13", "14"}) driver.pipe_input("in", {.value = value});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("11", "11", "14")) << "sent twice, as promised";
  EXPECT_THAT(driver.values("dead"), ElementsAre("13"));
}

TEST(UserExceptions, OfManyRecordsInARowAreAllDeadLettered) {
  TopologyTestDriver driver({.topology = throwing(false), .config = with_dead_letters()});
  for (int i = 0; i < 200; ++i) driver.pipe_input("in", {.value = i % 2 == 0 ? "13" : "14"});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), SizeIs(100));
  EXPECT_THAT(driver.values("dead"), SizeIs(100));
}

TEST(UserExceptions, BehindAResultStopTheApplicationWithItsText) {
  struct Visit {
    std::chrono::sys_seconds time;
    std::string_view user;
  };
  TopologyBuilder topology{"test"};
  topology.source("in", json<Visit>(field("ts", &Visit::time), field("uid", &Visit::user))) |
      event_time(&Visit::time, lateness(std::chrono::seconds(5)), no_jump_guard()) |
      windows({tumbling(std::chrono::seconds(60))}) | distinct_count("users", &Visit::user) |
      map([](const WindowStats&) -> WindowStats { throw std::runtime_error("unlucky"); }) |
      to("out", window_stats_json());
  ApplicationConfig config = with_dead_letters();
  config.until_end = true;
  TopologyTestDriver driver({.topology = *topology.build(), .config = config});
  driver.pipe_input("in", {.value = R"({"ts":60,"uid":"a"})"});
  driver.run_until_idle();
  EXPECT_EQ(driver.status().code(), StatusCode::kFailed);
  EXPECT_THAT(driver.status().message(), HasSubstr("unlucky"));
}

TEST(UserExceptions, BehindACutAreDeadLetteredWithTheirRepartitionRecord) {
  TopologyBuilder topology{"test"};
  topology.source("in", decimal_integer()) | through("cut") | map([](std::int64_t n) {
    if (n == 13) throw std::runtime_error("unlucky");
    return n;
  }) | to("out", decimal_integer());
  TopologyTestDriver driver({.topology = *topology.build(), .config = with_dead_letters()});
  for (const char* value : {"12", "13", "14"}) driver.pipe_input("in", {.value = value});
  driver.run_until_idle();
  ASSERT_TRUE(driver.status().ok()) << driver.status().message();
  EXPECT_THAT(driver.values("out"), ElementsAre("12", "14"));
  const auto dead = driver.read_output("dead");
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_THAT(dead[0].headers, Contains(Pair("millrace.topic", "test-cut-repartition")));
}

}  // namespace
}  // namespace millrace
