#include "millrace/framework/partitioner.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

// From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
TEST(PartitionerTest, HashesAsJavaClientsDo) {
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
            -58897971);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("abc")), 479470107);
}

// (hash & 0x7fffffff) % partitions, as the Java producer's default partitioner.
TEST(PartitionerTest, DropsTheSignBitBeforeItDivides) {
  EXPECT_EQ(partition_for_key("21", 7), (-973932308 & 0x7fffffff) % 7);
  EXPECT_EQ(partition_for_key("abc", 1), 0);
  for (int partitions = 1; partitions < 50; ++partitions) {
    EXPECT_GE(partition_for_key("foobar", partitions), 0);
    EXPECT_LT(partition_for_key("foobar", partitions), partitions);
  }
}

}  // namespace
}  // namespace millrace
