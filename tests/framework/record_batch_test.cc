#include "millrace/framework/record_batch.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(Arena, GivesPaddedMemoryThatStaysUntilReset) {
  Arena arena;
  std::vector<std::string_view> copies;
  for (int i = 0; i < 5000; ++i) copies.push_back(arena.copy(std::string(100, char('a' + i % 26))));
  for (int i = 0; i < 5000; ++i)
    ASSERT_EQ(copies[static_cast<std::size_t>(i)], std::string(100, char('a' + i % 26)));
  char last = 0;
  for (std::size_t i = 0; i < kRecordPadding; ++i)  // may be read
    last = static_cast<char>(last ^ copies.back().data()[100 + i]);
  EXPECT_EQ(arena.used_bytes(), 500'000u);
  arena.reset();
  EXPECT_EQ(arena.used_bytes(), 0u);
}

TEST(Arena, TakesWhatIsLargerThanAChunk) {
  Arena arena;
  const std::string large(3 * Arena::kChunkBytes, 'x');
  EXPECT_EQ(arena.copy(large), large);
  EXPECT_EQ(arena.copy("small"), "small");
}

TEST(Arena, KeepsNullNullAndEmptyEmpty) {
  Arena arena;
  EXPECT_EQ(arena.copy(std::string_view()).data(), nullptr);
  EXPECT_NE(arena.copy("").data(), nullptr);
}

TEST(Arena, UsesItsChunksAgain) {
  Arena arena;
  const char* const first = arena.allocate(100);
  arena.reset();
  EXPECT_EQ(arena.allocate(100), first);
}

TEST(RecordBatch, CopiesRecordsWithTheirHeaders) {
  RecordBatch batch;
  {
    const std::string key = "key";
    const std::string value = "value";
    const std::string name = "name";
    const Header header{name, "text"};
    batch.append(key, value, 7, 99, {&header, 1});
    batch.append({}, {}, 8, RecordView::kNoTimestamp);
  }
  ASSERT_EQ(batch.records().size(), 2u);
  const RecordView& record = batch.records()[0];
  EXPECT_EQ(record.key, "key");
  EXPECT_EQ(record.value, "value");
  EXPECT_EQ(record.offset, 7);
  EXPECT_EQ(record.timestamp_ms, 99);
  ASSERT_EQ(record.headers.size(), 1u);
  EXPECT_EQ(record.headers[0].name, "name");
  EXPECT_EQ(record.headers[0].value, "text");
  EXPECT_FALSE(batch.records()[1].has_key());
  EXPECT_FALSE(batch.records()[1].has_value());
  batch.reset();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.bytes(), 0u);
}

}  // namespace
}  // namespace millrace
