#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "millrace/tests/programs/tool_test.h"

/// Runs build/bin/millrace against an embedded broker in a directory.
namespace millrace {
namespace {

using MillraceToolTest = ToolTest;

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(MillraceToolTest, LoadsLinesAndPrintsThemAgain) {
  load("--topic t", "one\ntwo\n\nlast");
  EXPECT_EQ(cat("--topic t"), "one\ntwo\n\nlast\n");
}

TEST_F(MillraceToolTest, LoadsEitherLineEnd) {
  load("--topic t", "one\r\ntwo\n\r\nlast\r\n");
  EXPECT_EQ(cat("--topic t"), "one\ntwo\n\nlast\n");
}

TEST_F(MillraceToolTest, LoadsLinesLongerThanABlock) {
  const std::string line(3'000'000, 'x');
  write("long", "a\n" + line.substr(0, 900'000) + "\nb\n");
  const Outcome loaded = run("load" + broker_ + "--topic t " + path("long"));
  ASSERT_EQ(loaded.exit_code, 0) << loaded.error;
  EXPECT_EQ(cat("--topic t"), contents(path("long")));
}

TEST_F(MillraceToolTest, LoadsMessagePackValues) {
  // {"uid": "a\n"}, nil, [1, "b"]
  load("--topic t --format msgpack", "\x81\xa3uid\xa2\x61\n\xc0\x92\x01\xa1\x62");
  EXPECT_EQ(cat("--topic t"), "\x81\xa3uid\xa2\x61\n\n\xc0\n\x92\x01\xa1\x62\n");
}

TEST_F(MillraceToolTest, LoadsMessagePackValuesAcrossBlocks) {
  const std::string big = "\xdb" + std::string("\x00\x0d\xbb\xa0", 4) + std::string(900'000, 'x');
  std::string values;
  for (int i = 0; i < 3; ++i) values += big + "\x81\xa1k\xa1v";
  write("long", values);
  const Outcome loaded = run("load" + broker_ + "--topic t --format msgpack " + path("long"));
  ASSERT_EQ(loaded.exit_code, 0) << loaded.error;
  EXPECT_THAT(loaded.out, HasSubstr("loaded 6 records"));
}

TEST_F(MillraceToolTest, TakesTheKeyOfMessagePackValues) {
  load("--topic t --format msgpack --key-field uid", "\x82\xa1x\x07\xa3uid\xa3key");
  EXPECT_THAT(cat("--topic t --json"), HasSubstr(R"("key":"key")"));
}

TEST_F(MillraceToolTest, RefusesToLoadAsMessagePackWhatIsNone) {
  const std::string load = "load" + broker_ + "--topic t --format msgpack -";
  EXPECT_THAT(run(load, "{\"uid\":\"a\"}\n"), fails_with(1, "at byte 0: is it text?"));
  EXPECT_THAT(run(load, "\xc0\x81\xa1k\xc1"), fails_with(1, "at byte 1: is it text?"));
  EXPECT_THAT(run(load, "\xc0\x81\xa1k"),
              fails_with(1, "ends inside a MessagePack value, which begins at byte 1"));
}

TEST_F(MillraceToolTest, AppendsToATopicThatIsThere) {
  load("--topic t", "one\n");
  load("--topic t", "two\n");
  EXPECT_EQ(cat("--topic t"), "one\ntwo\n");
}

TEST_F(MillraceToolTest, SpreadsLinesInTurn) {
  load("--topic t --partitions 3", "0\n1\n2\n3\n4\n");
  EXPECT_EQ(cat("--topic t"), "0\n3\n1\n4\n2\n");
}

TEST_F(MillraceToolTest, CutsAFileIntoConsecutiveStretches) {
  write("lines", "aaa\nbbb\nccc\nddd\neee\nfff\n");
  const Outcome loaded =
      run("load" + broker_ + "--topic t --partitions 2 --partitioner contiguous " + path("lines"));
  ASSERT_EQ(loaded.exit_code, 0) << loaded.error;
  const std::string json = cat("--topic t --json");
  EXPECT_THAT(json, HasSubstr(R"({"partition":0,"offset":2,)"));
  EXPECT_THAT(json, HasSubstr(R"({"partition":1,"offset":2,)"));
  EXPECT_EQ(cat("--topic t"), contents(path("lines")));
}

TEST_F(MillraceToolTest, KeysRecordsByAFieldAndPutsThemWhereJavaDoes) {
  load("--topic t --partitions 4 --key-field uid", R"({"n":{"uid":"no"},"uid":"foobar"})"
                                                   "\n"
                                                   R"({"uid":"21"})"
                                                   "\n"
                                                   R"({"uid":7})"
                                                   "\n");
  const std::string json = cat("--topic t --json");
  // Kafka's own test vectors: murmur2("foobar") = -790332482, murmur2("21") = -973932308; positive,
  // modulo 4.
  EXPECT_THAT(json, HasSubstr(R"({"partition":2,"offset":0,)"));
  EXPECT_THAT(
      json, HasSubstr(R"("key":"foobar","value":"{\"n\":{\"uid\":\"no\"},\"uid\":\"foobar\"}"})"));
  EXPECT_THAT(json, HasSubstr(R"("key":"21")"));
  EXPECT_THAT(json, HasSubstr(R"("key":null,"value":"{\"uid\":7}"})"));
}

TEST_F(MillraceToolTest, SaysHowManyRecordsHadNoKey) {
  const Outcome outcome =
      run("load" + broker_ + "--topic t --key-field uid -", "{\"uid\":\"a\"}\n{}\nnonsense\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("2 records have no text field 'uid'"));
}

TEST_F(MillraceToolTest, RefusesPartitionersWithoutWhatTheyNeed) {
  EXPECT_THAT(run("load" + broker_ + "--topic t --partitioner hash -"),
              fails_with(2, "--key-field"));
  EXPECT_EQ(std::system(("printf x | " MILLRACE_BINARY_DIR "/bin/millrace load" + broker_ +
                         "--topic t --partitioner contiguous - 2> " + path("stderr"))
                            .c_str()),
            2 << 8);
  EXPECT_THAT(contents(path("stderr")), HasSubstr("needs a regular file"));
}

TEST_F(MillraceToolTest, RefusesToLoadWhatItCannotRead) {
  EXPECT_THAT(run("load" + broker_ + "--topic t /nowhere/frames"),
              fails_with(2, "/nowhere/frames"));
  EXPECT_THAT(run("load" + broker_ + "--topic t"), fails_with(2, "FILE is required"));
}

TEST_F(MillraceToolTest, RefusesAnotherNumberOfPartitions) {
  load("--topic t --partitions 2", "x\n");
  EXPECT_THAT(run("load" + broker_ + "--topic t --partitions 3 -", "y\n"),
              fails_with(2, "has 2 partitions"));
}

TEST_F(MillraceToolTest, CreatesATopicOnce) {
  const Outcome created =
      run("create" + broker_ + "--topic t --partitions 3 --set cleanup.policy=compact");
  EXPECT_EQ(created.exit_code, 0) << created.error;
  EXPECT_EQ(created.out, "created topic 't' with 3 partitions\n");
  EXPECT_THAT(run("create" + broker_ + "--topic t --partitions 3"), fails_with(1, "'t'"));
}

TEST_F(MillraceToolTest, CreatesATopicUnlessItIsThere) {
  const std::string create = "create" + broker_ + "--topic t --if-missing --partitions ";
  EXPECT_EQ(run(create + "3").out, "created topic 't' with 3 partitions\n");
  const Outcome again = run(create + "3");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, "topic 't' is there already\n");
  EXPECT_THAT(run(create + "4"), fails_with(2, "has 3 partitions"));
}

TEST_F(MillraceToolTest, LoadsIntoOnePartition) {
  load("--topic t --partitions 3 --partition 1", "a\nb\n");
  EXPECT_THAT(run("topics" + broker_ + "--partitions").out,
              AllOf(HasSubstr("t              0      0    0        0\n"),
                    HasSubstr("t              1      0    2        2\n")));
  EXPECT_THAT(run("load" + broker_ + "--topic t --partition 3 -", "x\n"),
              fails_with(2, "--partition 3 does not exist"));
  EXPECT_THAT(run("load" + broker_ + "--topic t --partition 1 --partitioner round-robin -", "x\n"),
              fails_with(2, "exclude each other"));
}

TEST_F(MillraceToolTest, LoadsOnlyIntoAnEmptyTopicIfAsked) {
  load("--topic t --if-empty", "a\n");
  const Outcome again = run("load" + broker_ + "--topic t --if-empty -", "b\n");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, "topic 't' holds records already: nothing was loaded\n");
  EXPECT_EQ(cat("--topic t"), "a\n");
}

TEST_F(MillraceToolTest, ListsTopicsWithPartitionsAndRecords) {
  load("--topic first --partitions 2", "1\n2\n3\n");
  load("--topic second", "1\n");
  EXPECT_EQ(run("topics" + broker_).out,
            "TOPIC   PARTITIONS  RECORDS\n"
            "first            2        3\n"
            "second           1        1\n");
  EXPECT_EQ(run("topics" + broker_ + "--partitions").out,
            "TOPIC   PARTITION  FIRST  END  RECORDS\n"
            "first           0      0    2        2\n"
            "first           1      0    1        1\n"
            "second          0      0    1        1\n");
}

TEST_F(MillraceToolTest, NamesAMissingTopicOrBroker) {
  EXPECT_THAT(run("cat" + broker_ + "--topic t --until-end"),
              fails_with(1, "there is no embedded broker"));
  load("--topic t", "x\n");
  EXPECT_THAT(run("cat" + broker_ + "--topic missing --until-end"), fails_with(1, "missing"));
  EXPECT_THAT(run("topics --broker embedded"), fails_with(2, "embedded:DIR"));
}

TEST_F(MillraceToolTest, ListsNoGroupsWhereThereAreNone) {
  load("--topic t", "x\n");
  EXPECT_THAT(run("groups" + broker_).out, StartsWith("GROUP  STATE"));
  EXPECT_THAT(run("groups" + broker_ + "nobody"), fails_with(1, "there is no group 'nobody'"));
}

TEST_F(MillraceToolTest, ResetsWhatAnApplicationKeepsAndNothingElse) {
  load("--topic frames", "x\n");
  for (const char* topic : {"app-users-changelog", "app-users-repartition", "app-instances",
                            "app2-users-changelog", "app-results", "app-some-instances"}) {
    ASSERT_EQ(run("create" + broker_ + "--partitions 1 --topic " + topic).exit_code, 0);
  }
  fs::create_directories(root_ / "state" / "app" / "0_0");
  fs::create_directories(root_ / "state" / "app2");
  const std::string reset = "reset" + broker_ + "--application-id app --state-dir " + path("state");

  const Outcome asked = run(reset);
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.error, HasSubstr("--yes"));
  EXPECT_EQ(asked.out,
            "topic 'app-instances'\ntopic 'app-users-changelog'\ntopic 'app-users-repartition'\n"
            "state directory '" +
                path("state") + "/app'\n");
  EXPECT_THAT(run("topics" + broker_).out, HasSubstr("app-users-changelog"));

  const Outcome removed = run(reset + " --yes");
  EXPECT_EQ(removed.exit_code, 0) << removed.error;
  EXPECT_THAT(removed.out, HasSubstr("removed\n"));
  EXPECT_THAT(run("topics" + broker_).out,
              AllOf(HasSubstr("app2-users-changelog"), HasSubstr("app-results"),
                    HasSubstr("app-some-instances"), HasSubstr("frames"),
                    Not(HasSubstr("app-instances")), Not(HasSubstr("app-users"))));
  EXPECT_FALSE(fs::exists(root_ / "state" / "app"));
  EXPECT_TRUE(fs::exists(root_ / "state" / "app2"));
  EXPECT_THAT(run(reset + " --yes").out, HasSubstr("keeps nothing"));
}

TEST_F(MillraceToolTest, RefusesToResetAnIdThatIsAPath) {
  load("--topic t", "x\n");
  EXPECT_THAT(run("reset" + broker_ + "--application-id ../x --yes"), fails_with(2, "'../x'"));
}

TEST_F(MillraceToolTest, SuggestsCommandsAndExplainsThem) {
  EXPECT_THAT(run("topcis"), fails_with(2, "did you mean 'topics'?"));
  EXPECT_THAT(run(""), fails_with(2, "millrace --help"));
  EXPECT_THAT(run("--help").out, HasSubstr("Commands:"));
  for (const char* command :
       {"topics", "create", "load", "cat", "verify-sorted", "groups", "reset"}) {
    const Outcome help = run(std::string{command} + " --help");
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, AllOf(HasSubstr(std::string{"Usage: millrace "} + command),
                                HasSubstr("Examples:")));
  }
}

TEST_F(MillraceToolTest, EndsCleanlyOnAnInterrupt) {
  load("--topic t", "x\n");
  int output[2];
  ASSERT_EQ(pipe(output), 0);
  const std::string program = MILLRACE_BINARY_DIR "/bin/millrace";
  const std::string broker = "embedded:" + path("broker");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    dup2(output[1], STDOUT_FILENO);
    execl(program.c_str(), "millrace", "cat", "--broker", broker.c_str(), "--topic", "t", nullptr);
    _exit(127);
  }
  close(output[1]);
  char text[2];
  EXPECT_EQ(read(output[0], text, 2), 2);  // it has come so far that it follows the topic
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(read(output[0], text, 1), 0);
  close(output[0]);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace millrace
