#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using namespace std::chrono_literals;

struct Contents {
  std::map<std::string, std::string> table;  ///< what a restore ends with
  std::size_t records = 0;
  std::size_t tombstones = 0;
  std::int64_t position = 0;
};

Contents restore(EmbeddedWorld& world) {
  Contents contents;
  const auto consumer = world.reader();
  EXPECT_OK(assign(*consumer, "c"));
  RecordBatch batch;
  do {
    batch.reset();
    EXPECT_OK(consumer->poll({"c", 0}, {}, batch));
    for (const RecordView& each : batch.records()) {
      ++contents.records;
      if (each.has_value()) {
        contents.table[std::string(each.key)] = each.value;
      } else {
        ++contents.tombstones;
        contents.table.erase(std::string(each.key));
      }
    }
  } while (!batch.empty());
  contents.position = consumer->position({"c", 0});
  return contents;
}

/// In memory, and in a directory.
class EmbeddedCompactionTest : public testing::TestWithParam<bool> {
 protected:
  EmbeddedCompactionTest() : world(GetParam() ? directory.path() : "") {
    world.close();
    world.compaction_floor_bytes = 64 << 10;
    world.tail_bytes = 16 << 10;
    world.open();
    EXPECT_OK(
        world.topic("c", 1, {{"cleanup.policy", "compact"}, {"delete.retention.ms", "1000"}}));
  }
  /// Commits `count` updates of the keys 0 to 99, every third transaction being aborted first.
  void update(int count) {
    const auto producer = world.transactional("p");
    for (int i = 0; i < count; i += 50) {
      const bool first_try_fails = i % 150 == 0;
      for (int attempt = first_try_fails ? 0 : 1; attempt < 2; ++attempt) {
        ASSERT_OK(producer->begin());
        for (int k = i; k < i + 50; ++k) {
          const std::string value =
              (attempt == 0 ? "aborted" : std::to_string(++updates_)) + std::string(50, '.');
          ASSERT_OK(producer->produce(record("c", value, std::to_string(k % 100))));
        }
        ASSERT_OK(producer->flush(1s));
        ASSERT_OK(attempt == 0 ? producer->abort() : producer->commit());
      }
    }
  }

  TemporaryDirectory directory;
  EmbeddedWorld world;
  int updates_ = 0;
};

TEST_P(EmbeddedCompactionTest, KeepsTheLastValueOfEveryKeyAndDropsMostOfTheOthers) {
  update(50'000);
  const Contents contents = restore(world);
  EXPECT_EQ(contents.table.size(), 100U);
  for (int k = 0; k < 100; ++k)
    EXPECT_EQ(std::stoi(contents.table.at(std::to_string(k))), 50'000 - 100 + k + 1) << k;
  EXPECT_LT(contents.records, 10'000U);
  EXPECT_EQ(contents.position, world.end("c"));
}

TEST_P(EmbeddedCompactionTest, DropsTombstonesAfterTheirRetention) {
  const auto plain = world.plain();
  ASSERT_OK(plain->produce(record("c", "value", "deleted")));
  ASSERT_OK(plain->produce(record("c", {}, "deleted")));
  ASSERT_OK(plain->flush(1s));
  update(10'000);
  EXPECT_EQ(restore(world).tombstones, 1U);
  EXPECT_THAT(restore(world).table, Not(Contains(Key("deleted"))));
  world.clock.advance(2s);
  update(10'000);
  EXPECT_EQ(restore(world).tombstones, 0U);
  EXPECT_THAT(restore(world).table, Not(Contains(Key("deleted"))));
}

TEST_P(EmbeddedCompactionTest, DoesNotDisturbAReaderInTheMiddle) {
  update(1'000);
  const auto consumer = world.reader();
  ASSERT_OK(assign(*consumer, "c"));
  std::map<std::string, int> seen;
  for (int round = 0; round < 50; ++round) {
    RecordBatch batch;
    ASSERT_OK(consumer->poll({"c", 0}, {.records = 37}, batch));
    for (const RecordView& each : batch.records()) {
      const int value = std::stoi(std::string(each.value));
      ASSERT_GT(value, seen[std::string(each.key)]);
      seen[std::string(each.key)] = value;
    }
    update(600);
  }
  RecordBatch batch;
  do {
    batch.reset();
    ASSERT_OK(consumer->poll({"c", 0}, {}, batch));
    for (const RecordView& each : batch.records())
      seen[std::string(each.key)] = std::stoi(std::string(each.value));
  } while (!batch.empty());
  const Contents contents = restore(world);
  for (const auto& [key, value] : contents.table) EXPECT_EQ(seen[key], std::stoi(value));
}

INSTANTIATE_TEST_SUITE_P(Modes, EmbeddedCompactionTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "Directory" : "Memory"; });

}  // namespace
}  // namespace millrace
