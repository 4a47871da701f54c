#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "millrace/operators/distinct_delta_format.h"
#include "millrace/operators/distinct_set_format.h"
#include "millrace/operators/shard_result_format.h"
#include "millrace/operators/ultraloglog_format.h"
#include "millrace/tests/golden/golden.h"

namespace millrace {
namespace {

using testing::HasSubstr;

const WindowPlan kPlan = WindowPlan::make({tumbling(std::chrono::seconds(60)), calendar_day()}, 0);
constexpr std::int64_t kMinuteMs = 1'468'244'340'000;
const AssignedWindow kMinute{0, {kMinuteMs, kMinuteMs + 60'000}};
const AssignedWindow kDay{1, {1'468'195'200'000, 1'468'281'600'000}};

std::string some_delta() {
  std::string bytes;
  begin_distinct_delta(kPlan, kMinute, 5, DistinctDeltaKind::kFingerprints, bytes);
  append_fingerprint({0x0102030405060708, 0x1112131415161718}, bytes);
  append_fingerprint({1, 2}, bytes);
  return bytes;
}

TEST(DistinctDeltaFormat, KeepsItsBytes) {
  expect_golden("distinct_delta_v1", some_delta());
  std::string registers;
  begin_distinct_delta(kPlan, kDay, 0, DistinctDeltaKind::kRegisters, registers);
  append_register(4095, 200, registers);
  expect_golden("distinct_delta_registers_v1", registers);
}

TEST(DistinctDeltaFormat, ReadsWhatItWrote) {
  const std::string bytes = some_delta();
  const auto delta = decode_distinct_delta(kPlan, bytes);
  ASSERT_TRUE(delta.ok()) << delta.status().message();
  EXPECT_EQ(delta->window.definition, 0);
  EXPECT_EQ(delta->window.window, kMinute.window);
  EXPECT_EQ(delta->frames, 5u);
  ASSERT_EQ(delta->content.size(), 2 * kFingerprintBytes);
  EXPECT_EQ(fingerprint_at(delta->content, 1), (Fingerprint{1, 2}));
}

TEST(DistinctDeltaFormat, RefusesUnknownVersionsWindowsAndDamage) {
  const std::string bytes = some_delta();
  std::string wrong = bytes;
  wrong[0] = 9;
  EXPECT_THAT(decode_distinct_delta(kPlan, wrong).status().message(), HasSubstr("version 9"));
  const WindowPlan other = WindowPlan::make({tumbling(std::chrono::seconds(90))}, 0);
  EXPECT_THAT(decode_distinct_delta(other, bytes).status().message(), HasSubstr("60 s"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    if ((bytes.size() - size) % kFingerprintBytes != 0) {
      EXPECT_FALSE(decode_distinct_delta(kPlan, bytes.substr(0, size)).ok()) << size;
    }
}

TEST(WindowKey, SortsByKindLengthAndStart) {
  const auto key = [](const AssignedWindow& window) {
    std::string bytes;
    append_window_key(kPlan, window, bytes);
    EXPECT_EQ(bytes.size(), kWindowKeyBytes);
    return bytes;
  };
  EXPECT_LT(key({0, {-60'000, 0}}), key({0, {0, 60'000}}));
  EXPECT_LT(key({0, {0, 60'000}}), key(kMinute));
  EXPECT_LT(key(kMinute), key(kDay));
  EXPECT_EQ(decode_window_key(kPlan, key({0, {-60'000, 0}}))->window, (Window{-60'000, 0}));
}

TEST(ShardResultFormat, KeepsItsBytesAndReadsThem) {
  const ShardResult result{kDay, 2, 955, 1143, true, false, "sketch"};
  std::string bytes;
  append_shard_result(kPlan, result, bytes);
  expect_golden("shard_result_v1", bytes);
  const auto read = decode_shard_result(kPlan, bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->window.window, kDay.window);
  EXPECT_EQ(read->shard, 2);
  EXPECT_EQ(read->users, 955u);
  EXPECT_EQ(read->frames, 1143u);
  EXPECT_TRUE(read->final);
  EXPECT_FALSE(read->exact);
  EXPECT_EQ(read->sketch, "sketch");
  for (std::size_t size = 0; size < bytes.size() - 6; ++size)
    EXPECT_FALSE(decode_shard_result(kPlan, bytes.substr(0, size)).ok()) << size;
}

TEST(SketchFormat, KeepsItsHeader) {
  std::string bytes;
  append_sketch(UltraLogLog(3), bytes);
  expect_golden("sketch_p3_v1", bytes);
}

DistinctSetHead some_head() {
  DistinctSetHead head;
  head.users = 0x0102030405060708;
  for (std::uint32_t level = 0; level < 4; ++level) head.levels[level] = {level, 0x10203 + level};
  return head;
}

TEST(DistinctSetFormat, KeepsItsBytes) {
  std::string bytes;
  append_distinct_set_head(some_head(), bytes);
  expect_golden("distinct_set_head_v1", bytes);
}

TEST(DistinctSetFormat, ReadsWhatItWrote) {
  std::string bytes;
  append_distinct_set_head(some_head(), bytes);
  const auto head = decode_distinct_set_head(bytes);
  ASSERT_TRUE(head.ok()) << head.status().message();
  EXPECT_EQ(*head, some_head());
}

TEST(DistinctSetFormat, RefusesUnknownVersionsAndDamage) {
  std::string bytes;
  append_distinct_set_head(some_head(), bytes);
  std::string wrong = bytes;
  wrong[0] = 9;
  EXPECT_THAT(decode_distinct_set_head(wrong).status().message(), HasSubstr("version 9"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_distinct_set_head(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_distinct_set_head(bytes + "x").ok());
  wrong = bytes;
  wrong[12] = '\x7f';  // a level that ends before it begins
  EXPECT_FALSE(decode_distinct_set_head(wrong).ok());
}

TEST(DistinctSetFormat, TakesNoHarmFromAnyBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    append_distinct_set_head(some_head(), bytes);
    for (unsigned n = random() % 4; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % 4 == 0 ? random() % 60 : bytes.size());
    const auto head = decode_distinct_set_head(bytes);
    if (!head.ok()) continue;
    std::string again;
    append_distinct_set_head(*head, again);
    EXPECT_EQ(again, bytes);
  }
}

}  // namespace
}  // namespace millrace
