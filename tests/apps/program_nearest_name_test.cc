#include "millrace/apps/program/nearest_name.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

const std::vector<std::string> kNames = {"topic", "partitions", "partitioner", "commit-interval"};

TEST(NearestNameTest, FindsATypingError) {
  EXPECT_EQ(nearest_name("tpoic", kNames), "topic");
  EXPECT_EQ(nearest_name("partition", kNames), "partitions");
  EXPECT_EQ(nearest_name("comit-intervall", kNames), "commit-interval");
}

TEST(NearestNameTest, FindsAPartOfAName) {
  EXPECT_EQ(nearest_name("interval", kNames), "commit-interval");
}

TEST(NearestNameTest, SuggestsNothingThatIsFarAway) {
  EXPECT_EQ(nearest_name("zookeeper", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
}

}  // namespace
}  // namespace millrace
