#include "millrace/apps/program/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::IsEmpty;
using testing::MatchesRegex;

std::string logged(std::string_view level, LogLevel message_level, std::string_view text,
                   std::initializer_list<LogField> fields) {
  Terminal terminal;
  const std::unique_ptr<LogSink> log = make_log(terminal, level);
  testing::internal::CaptureStderr();
  log->write(message_level, text, fields);
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
}

}  // namespace
}  // namespace millrace
