#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "millrace/tests/programs/tool_test.h"

/// Runs `millrace verify-sorted` against an embedded broker in a directory.
namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

class VerifySortedTest : public ToolTest {
 protected:
  Outcome verify(const std::string& options) {
    return run("verify-sorted" + broker_ + "--topic t " + options);
  }
  /// Partition 0 of `topic`, which gets two.
  void load_first(const std::string& topic, const std::string& lines) {
    load("--partitions 2 --partition 0 --topic " + topic, lines);
  }
  void load_second(const std::string& topic, const std::string& lines) {
    load("--partitions 2 --partition 1 --topic " + topic, lines);
  }
};

TEST_F(VerifySortedTest, SaysWhatItFound) {
  load_first("t", "-5\n1\n1\n10\n");
  load_second("t", "3\n200\n");
  const Outcome outcome = verify("");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, MatchesRegex("topic 't' is sorted by value: 6 records in 2 partitions, "
                                        "0\\.0 MB; [0-9.]+ s\n"));
}

TEST_F(VerifySortedTest, PassesAnEmptyTopic) {
  load_first("t", "");
  EXPECT_THAT(verify("").out, HasSubstr("0 records in 2 partitions"));
}

TEST_F(VerifySortedTest, NamesTheFirstOffence) {
  load_first("t", "1\n2\n3\n");
  load_second("t", "7\n9\n10\n8\n3\n");
  EXPECT_THAT(verify(""),
              fails_with(1,
                         "not sorted: topic 't', partition 1, offset 3: value 8 stands behind 10 "
                         "of offset 2 (the first of 2)"));
}

TEST_F(VerifySortedTest, NamesARecordThatCannotBeSorted) {
  load_first("t", "1\nx\n2\n");
  EXPECT_THAT(verify(""), fails_with(1,
                                     "topic 't', partition 0, offset 1: the record cannot be "
                                     "sorted by value: its value is no decimal integer\n"));
}

TEST_F(VerifySortedTest, JudgesIntegersAsNumbersAndInEitherDirection) {
  load_first("t", "9\n10\n");
  EXPECT_EQ(verify("").exit_code, 0);
  EXPECT_THAT(verify("--descending"), fails_with(1, "value 10 stands behind 9"));
  load_second("u", "10\n9\n-1\n");
  EXPECT_EQ(run("verify-sorted" + broker_ + "--topic u --descending").exit_code, 0);
}

TEST_F(VerifySortedTest, JudgesByKeyByFieldAndByTime) {
  load("--topic t --key-field k --partition 0",
       "{\"k\":\"10\",\"n\":-1,\"s\":\"b\"}\n{\"k\":\"9\",\"n\":2,\"s\":\"a\"}\n");
  EXPECT_EQ(verify("--by key").exit_code, 0);  // bytes, not numbers
  EXPECT_EQ(verify("--by json:/n").exit_code, 0);
  EXPECT_EQ(verify("--by event-time").exit_code, 0);
  EXPECT_THAT(verify("--by json-text:/s"), fails_with(1, "s 'a' stands behind 'b' of offset 0"));
  EXPECT_THAT(verify("--by json:/s"), fails_with(1, "by s: field-wrong-type"));
  EXPECT_THAT(verify("--by json:/x"), fails_with(1, "offset 0: the record cannot be sorted by x"));
}

TEST_F(VerifySortedTest, RefusesAnotherWayToSort) {
  load_first("t", "1\n");
  for (const char* by : {"values", "json:", "json:/", "json:/a/b", "json-text:/"})
    EXPECT_THAT(verify(std::string{"--by "} + by), fails_with(2, "is none of value, key"));
}

TEST_F(VerifySortedTest, ComparesWithAnotherTopic) {
  load_first("in", "1\n1\n4\n");
  load_second("in", "2\n3\n");
  load("--topic t", "1\n1\n2\n3\n4\n");
  const Outcome outcome = verify("--against in");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("is sorted by value and holds what 'in' holds: 5 records"));
}

TEST_F(VerifySortedTest, NamesTheFirstRecordThatIsMissing) {
  load_first("in", "1\n5\n9\n");
  load_second("in", "5\n7\n");
  load("--topic t", "1\n5\n7\n9\n");
  EXPECT_THAT(verify("--against in"),
              fails_with(1,
                         "not the same records: 4 records in 1 partition in topic 't', 5 records "
                         "in 2 partitions in topic 'in'; the first value that differs is 5: 1 in "
                         "topic 't', 2 in topic 'in'"));
}

TEST_F(VerifySortedTest, NamesTheFirstRecordThatIsTooMany) {
  load_first("in", "1\n9\n");
  load("--topic t", "1\n4\n9\n");
  EXPECT_THAT(verify("--against in"),
              fails_with(1, "the first value that differs is 4: 1 in topic 't', 0 in topic 'in'"));
}

// Two of one value and none of another: an xor of hashes would see nothing.
TEST_F(VerifySortedTest, SeesThatOneRecordStandsForAnother) {
  load_first("in", "1\n1\n2\n2\n");
  load("--topic t", "1\n1\n1\n1\n");
  EXPECT_THAT(verify("--against in"),
              fails_with(1, "the first value that differs is 1: 4 in topic 't', 2 in topic 'in'"));
}

TEST_F(VerifySortedTest, ComparesBytesNotOnlyValues) {
  load_first("in", "1\n7\n");
  load("--topic t", "1\n007\n");
  EXPECT_THAT(verify("--against in"),
              fails_with(1,
                         "the first value that differs is 7: 1 in topic 't', 1 in topic 'in', but "
                         "not with the same keys and values"));
}

TEST_F(VerifySortedTest, ComparesDescendingTopics) {
  load_first("in", "9\n5\n");
  load("--topic t", "9\n8\n5\n");
  EXPECT_THAT(verify("--descending --against in"),
              fails_with(1, "the first value that differs is 8: 1 in topic 't', 0 in topic 'in'"));
}

TEST_F(VerifySortedTest, CountsWhereATopicIsNotSorted) {
  load_first("in", "5\n1\n");
  load("--topic t", "1\n");
  EXPECT_THAT(
      verify("--against in"),
      fails_with(1,
                 "2 records in 2 partitions in topic 'in'; not sorted: topic 'in', partition 0, "
                 "offset 1: value 1 stands behind 5 of offset 0"));
  EXPECT_EQ(run("verify-sorted" + broker_ + "--topic in --against t").exit_code, 1);
}

TEST_F(VerifySortedTest, NamesATopicThatIsNotThere) {
  load_first("t", "1\n");
  EXPECT_THAT(verify("--against nowhere"), fails_with(1, "nowhere"));
}

}  // namespace
}  // namespace millrace
