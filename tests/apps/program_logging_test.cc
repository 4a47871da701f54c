#include "millrace/apps/program/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

std::string logged(std::string_view level, LogLevel message_level, std::string_view text,
                   std::initializer_list<LogField> fields, std::string_view format = "text") {
  Terminal terminal;
  const std::unique_ptr<ProgramLog> log = make_log(terminal, level, format);
  testing::internal::CaptureStderr();
  log->write(message_level, text, fields);
  return testing::internal::GetCapturedStderr();
}

std::string said(std::string_view level, std::string_view format, std::string_view text) {
  Terminal terminal;
  const std::unique_ptr<ProgramLog> log = make_log(terminal, level, format);
  testing::internal::CaptureStderr();
  log->say(LogLevel::kInfo, text);
  return testing::internal::GetCapturedStderr();
}

TEST(LoggingTest, WritesTimeLevelTextAndFieldsInOneLine) {
  EXPECT_THAT(
      logged("info", LogLevel::kWarning, "partition lost", {{"topic", "frames"}, {"partition", 3}}),
      MatchesRegex(
          "....-..-..T..:..:..[.]...[+-]..:.. warning partition lost topic=frames partition=3\n"));
}

TEST(LoggingTest, QuotesValuesThatAreNotOneWord) {
  EXPECT_THAT(logged("info", LogLevel::kInfo, "error", {{"text", "a \"b\"\nc"}, {"empty", ""}}),
              MatchesRegex(".* info error text=\"a \\\\\"b\\\\\"\\\\nc\" empty=\"\"\n"));
}

TEST(LoggingTest, DropsWhatIsBelowItsLevel) {
  EXPECT_THAT(logged("warning", LogLevel::kInfo, "x", {}), IsEmpty());
  EXPECT_THAT(logged("off", LogLevel::kError, "x", {}), IsEmpty());
  EXPECT_THAT(logged("error", LogLevel::kWarning, "x", {}, "json"), IsEmpty());
}

TEST(LoggingTest, WritesAnObjectWithTheFieldsAsMembers) {
  EXPECT_THAT(
      logged("info", LogLevel::kWarning, "partition lost",
             {{"topic", "frames"}, {"partition", 3}, {"offset", std::int64_t{-1}}}, "json"),
      MatchesRegex("[{]\"time\":\"....-..-..T..:..:..[.]...[+-]..:..\",\"level\":\"warning\","
                   "\"text\":\"partition lost\",\"topic\":\"frames\",\"partition\":3,"
                   "\"offset\":-1[}]\n"));
}

TEST(LoggingTest, EscapesWhatJsonWantsEscaped) {
  EXPECT_THAT(
      logged("info", LogLevel::kInfo, "a \"%v\"", {{"error", "b\\\n\xff"}, {"n", "7"}}, "json"),
      HasSubstr(R"("text":"a \"%v\"","error":"b\\\n)"
                "\xEF\xBF\xBD"
                R"(","n":"7"})"));
}

TEST(LoggingTest, SaysToPeopleWhateverTheLevel) {
  EXPECT_EQ(said("off", "text", "done: 3 records"), "done: 3 records\n");
  EXPECT_THAT(said("off", "json", "done: 3 \"records\""),
              MatchesRegex("[{]\"time\":\"[^\"]*\",\"level\":\"info\","
                           "\"text\":\"done: 3 \\\\\"records\\\\\"\"[}]\n"));
}

}  // namespace
}  // namespace millrace
