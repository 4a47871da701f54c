#include "millrace/framework/kafka/kafka_message.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace millrace::kafka {
namespace {

constexpr std::uintptr_t kPage = 4096;

/// A value that ends (with its last byte) so many bytes before the end of a page; never read.
std::string_view ending_before(std::uintptr_t bytes) {
  constexpr std::size_t kSize = 2000;
  const std::uintptr_t end = 100 * kPage - bytes;
  return {reinterpret_cast<const char*>(end - kSize), kSize};
}

TEST(KafkaMessage, IsReadWhereItLiesOnlyIfItsPaddingIsOnThePageOfItsLastByte) {
  EXPECT_TRUE(is_padded(ending_before(kPage - 1)));
  EXPECT_TRUE(is_padded(ending_before(kRecordPadding)));
  EXPECT_FALSE(is_padded(ending_before(kRecordPadding - 1)));
  EXPECT_FALSE(is_padded(ending_before(1)));
  EXPECT_FALSE(is_padded(ending_before(0))) << "the next page may not be there";
  EXPECT_FALSE(is_padded({}));
}

}  // namespace
}  // namespace millrace::kafka
