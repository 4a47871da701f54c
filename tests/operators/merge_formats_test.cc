#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "millrace/operators/merge_key.h"
#include "millrace/operators/merge_position_format.h"
#include "millrace/operators/merge_runs_format.h"
#include "millrace/tests/golden/golden.h"

namespace millrace {
namespace {

using testing::HasSubstr;

std::string some_position() {
  std::string bytes;
  append_merge_position({MergePosition::Place::kHere, "key", 2}, bytes);
  return bytes;
}

TEST(MergePositionFormat, KeepsItsBytes) { expect_golden("merge_position_v1", some_position()); }

TEST(MergePositionFormat, ReadsWhatItWrote) {
  for (const MergePosition& position : {MergePosition{MergePosition::Place::kNone, {}, 0},
                                        {MergePosition::Place::kHere, "key", 2},
                                        {MergePosition::Place::kStore, {}, 1}}) {
    std::string bytes;
    append_merge_position(position, bytes);
    const auto read = parse_merge_position(bytes);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, position);
  }
  EXPECT_EQ(*parse_merge_position(""), MergePosition());
}

TEST(MergePositionFormat, RefusesUnknownVersionsPlacesAndTruncations) {
  std::string wrong = some_position();
  wrong[0] = 9;
  EXPECT_THAT(parse_merge_position(wrong).status().message(), HasSubstr("version 9"));
  wrong = some_position();
  wrong[1] = 3;
  EXPECT_FALSE(parse_merge_position(wrong).ok());
  for (std::size_t size = 1; size < some_position().size(); ++size)
    EXPECT_FALSE(parse_merge_position(some_position().substr(0, size)).ok()) << size;
}

std::string some_run() {
  RunWriter run;
  run.add({1, "a", {}, 1'468'244'385'000});
  run.add({1, "a", {}, 1'468'244'385'000});
  run.add({1, "", "k", -1});
  std::string bytes;
  run.finish(bytes);
  return bytes;
}

TEST(MergeRunsFormat, KeepsItsBytes) { expect_golden("merge_run_v1", some_run()); }

TEST(MergeRunsFormat, ReadsWhatItWrote) {
  const std::string bytes = some_run();
  RunReader run(bytes);
  auto item = run.next();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->times, 2u);
  EXPECT_EQ(item->value, "a");
  EXPECT_EQ(item->key.data(), nullptr);
  EXPECT_EQ(item->event_time_ms, 1'468'244'385'000);
  item = run.next();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->times, 1u);
  EXPECT_EQ(item->key, "k");
  EXPECT_EQ(item->event_time_ms, -1);
  EXPECT_FALSE(run.next());
  EXPECT_TRUE(run.status().ok());
}

TEST(MergeRunsFormat, KeepsEveryTime) {
  for (const std::int64_t time :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    RunWriter run;
    run.add({1, "a", {}, time});
    std::string bytes;
    run.finish(bytes);
    EXPECT_EQ(RunReader(bytes).next()->event_time_ms, time);
  }
}

TEST(MergeRunsFormat, RefusesUnknownVersionsAndDamage) {
  std::string wrong = some_run();
  wrong[0] = 9;
  RunReader other(wrong);
  EXPECT_FALSE(other.next());
  EXPECT_THAT(other.status().message(), HasSubstr("version 9"));

  std::mt19937 dice(1);
  for (int i = 0; i < 20'000; ++i) {  // no byte of it may lead out of it
    std::string bytes = some_run().substr(0, 1 + dice() % some_run().size());
    for (int n = static_cast<int>(dice() % 3); n > 0 && bytes.size() > 1; --n)
      bytes[1 + dice() % (bytes.size() - 1)] = static_cast<char>(dice());
    RunReader run(bytes);
    while (const auto item = run.next()) {
      EXPECT_LE(item->value.data() + item->value.size(), bytes.data() + bytes.size());
      EXPECT_GT(item->times, 0u);
    }
  }
}

TEST(MergeKey, IsKeptBeyondItsRecord) {
  KeptKey<std::string_view> kept;
  {
    std::string text(100, 'x');
    kept.keep(text);
    text.assign(100, 'y');
  }
  EXPECT_EQ(kept.key(), std::string(100, 'x'));
  EXPECT_THAT(MergeKey<std::string_view>::text(kept.key()), HasSubstr("xxx'..."));
  std::string bytes;
  MergeKey<std::int64_t>::write(-5, bytes);
  EXPECT_EQ(MergeKey<std::int64_t>::read(bytes), -5);
}

}  // namespace
}  // namespace millrace
