#include "millrace/apps/program/state_directory.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(StateDirectoryTest, KeepsEachApplicationInADirectoryOfItsOwn) {
  EXPECT_EQ(application_directory("/var/lib/x", "app"), "/var/lib/x/app");
  EXPECT_EQ(application_directory("", "app"), default_state_dir() / "app");
}

TEST(StateDirectoryTest, AcceptsOnlyIdsThatCanNameTopics) {
  EXPECT_TRUE(check_application_id("unique-users_2.0").ok());
  for (const std::string& id : {std::string{}, std::string{".."}, std::string{"a/b"},
                                std::string{"a b"}, std::string(201, 'a')}) {
    EXPECT_EQ(check_application_id(id).code(), StatusCode::kInvalid) << id;
  }
}

}  // namespace
}  // namespace millrace
