#include "millrace/framework/memory_owner.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace {
namespace {

TEST(MemoryOwnerTest, OwnersHaveNames) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kMemoryOwners; ++i)
    names.insert(to_string(static_cast<MemoryOwner>(i)));
  EXPECT_EQ(names.size(), kMemoryOwners);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(MemoryOwnerTest, UsagesAddUpByOwner) {
  MemoryUsage sum, other;
  sum[MemoryOwner::kBatches] = 1;
  other[MemoryOwner::kBatches] = 10;
  other[MemoryOwner::kProducers] = 100;
  sum.add(other);
  EXPECT_EQ(sum[MemoryOwner::kBatches], 11u);
  EXPECT_EQ(sum[MemoryOwner::kProducers], 100u);
  EXPECT_EQ(sum[MemoryOwner::kBlockCache], 0u);
}

}  // namespace
}  // namespace millrace
