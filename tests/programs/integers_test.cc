#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "millrace/apps/integers/integer_generator.h"
#include "millrace/tests/programs/tool_test.h"

/// Runs build/bin/integers against an embedded broker in a directory.
namespace millrace {
namespace {

using testing::HasSubstr;

class IntegersTest : public ToolTest {
 protected:
  Outcome integers(const std::string& options) {
    return run_program("integers" + broker_ + "--topic t " + options);
  }
};

TEST_F(IntegersTest, WritesWhatTheGeneratorDraws) {
  const Outcome outcome =
      integers("--partitions 3 --count 1000 --seed 7 --max-value 500 --skew 0.5");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("wrote 1,000 integers into topic 't' (3 partitions)"));
  IntegerGenerator generator{
      {.count = 1000, .partitions = 3, .max_value = 500, .skew = 0.5, .seed = 7}};
  std::vector<std::string> expected(3);
  for (PartitionedInteger each; generator.next(each);)
    expected[static_cast<std::size_t>(each.partition)] += std::to_string(each.value) + '\n';
  EXPECT_EQ(cat("--topic t"), expected[0] + expected[1] + expected[2]);
}

TEST_F(IntegersTest, WritesOnlyIntoAnEmptyTopic) {
  ASSERT_EQ(integers("--count 10").exit_code, 0);
  const std::string before = cat("--topic t");
  EXPECT_THAT(integers("--count 10"), fails_with(1, "topic 't' holds records already"));
  const Outcome outcome = integers("--count 10 --if-empty");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "topic 't' holds records already: nothing was written\n");
  EXPECT_EQ(cat("--topic t"), before);
}

TEST_F(IntegersTest, RefusesATopicWithOtherPartitions) {
  ASSERT_EQ(run("create" + broker_ + "--topic t --partitions 4").exit_code, 0);
  EXPECT_THAT(integers("--count 10"),
              fails_with(2, "topic 't' has 4 partitions, --partitions says 10"));
  EXPECT_EQ(integers("--count 10 --partitions 4").exit_code, 0);
}

TEST_F(IntegersTest, RefusesWhatMakesNoSense) {
  EXPECT_THAT(integers(""), fails_with(2, "--count"));
  EXPECT_THAT(integers("--count 0"), fails_with(2, "--count"));
  EXPECT_THAT(integers("--count 10 --skew 1.5"), fails_with(2, "--skew"));
  EXPECT_THAT(integers("--count 10 --max-value -1"), fails_with(2, "--max-value"));
  EXPECT_THAT(integers("--count 10 --skew 0.5 --partitions 1"), fails_with(2, "--partitions"));
}

// So many integers that it is not through when the signal comes.
TEST_F(IntegersTest, EndsCleanlyOnAnInterrupt) {
  const std::string program = MILLRACE_BINARY_DIR "/bin/integers";
  const std::string broker = "embedded:" + path("broker"), error = path("stderr");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (std::freopen(error.c_str(), "w", stderr) == nullptr) _exit(127);
    execl(program.c_str(), "integers", "--broker", broker.c_str(), "--topic", "t", "--partitions",
          "2", "--count", "100000000", nullptr);
    _exit(127);
  }
  // It watches for signals before it opens the broker.
  while (!std::filesystem::exists(path("broker"))) {
    ASSERT_EQ(waitpid(child, nullptr, WNOHANG), 0) << contents(error);
    std::this_thread::yield();
  }
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(contents(error), HasSubstr("integers: interrupted: "));
}

}  // namespace
}  // namespace millrace
