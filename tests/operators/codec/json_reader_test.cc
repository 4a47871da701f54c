#include "millrace/operators/codec/json_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "millrace/operators/codec/json_scanner.h"
#include "millrace/tests/operators/codec/random_json.h"

namespace millrace {
namespace {

std::vector<FieldBinding> bindings() {
  return {{"ts", FieldKind::kInteger, false, 0, 253'402'300'799},
          {"uid", FieldKind::kString, false, 0, 0}};
}

using Values = std::array<FieldValue, 2>;

std::string summary(const DecodeOutcome& outcome, const Values& values) {
  if (outcome.ok())
    return "good " + std::to_string(values[0].integer) + " " + std::string{values[1].text};
  return std::string{to_string(outcome.error)} + " " + std::string{outcome.field};
}

TEST(JsonReaderTest, AgreesWithTheScannerOnAllThatBothJudge) {
  const std::vector<FieldBinding> wanted = bindings();
  JsonReader reader{wanted};
  JsonScanner scanner;
  int good = 0, bad = 0, lenient = 0;
  for (std::uint64_t seed = 1; seed <= 25'000; ++seed) {
    RandomJson random{seed};
    const std::string text = random.mutated(random.object());
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": " << text);
    RecordBatch batch;
    batch.append({}, text, 0, 0);
    const RecordView& record = batch.records()[0];
    Values read, scanned;
    const DecodeOutcome reader_says = reader.read(record, batch.arena(), read);
    const DecodeOutcome scanner_says =
        scanner.scan(record.value, wanted, Strictness::kBoundFields, batch.arena(), scanned);
    (scanner_says.ok() ? good : bad) += 1;
    // The one licence: an error inside a value that is skipped, or in the escapes of an unread
    // string.
    if (reader_says.ok() && scanner_says.error == RecordError::kMalformed) {
      ASSERT_TRUE(scanner_says.field.empty());
      ++lenient;
      continue;
    }
    ASSERT_EQ(summary(reader_says, read), summary(scanner_says, scanned));
  }
  EXPECT_GT(good, 2'000);
  EXPECT_GT(bad, 5'000);
  EXPECT_LT(lenient, bad / 10);
}

TEST(JsonReaderTest, ResultDoesNotDependOnWhatIsBehindTheRecord) {
  JsonReader reader{bindings()};
  const std::string text = R"({"uid":"a","ts":14})";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    // The padding holds just what is missing: it must not be read as if it belonged to the record.
    std::string padded = text + std::string(2 * kRecordPadding, ' ');
    RecordView record;
    record.value = std::string_view{padded}.substr(0, length);
    Arena arena;
    Values values;
    const bool number_has_ended = length >= text.size();
    EXPECT_EQ(reader.read(record, arena, values).ok(), number_has_ended) << length;
  }
}

TEST(JsonReaderTest, ReadsFramesOfGrowingLengthWithOneParser) {
  JsonReader reader{bindings()};
  for (std::size_t length = 1; length < 4'000'000; length = length * 3 + 1) {
    RecordBatch batch;
    batch.append({}, R"({"x":")" + std::string(length, '\'') + R"(","ts":1,"uid":"a"})", 0, 0);
    Values values;
    ASSERT_TRUE(reader.read(batch.records()[0], batch.arena(), values).ok()) << length;
    EXPECT_EQ(values[1].text, "a");
  }
}

TEST(JsonReaderTest, ErrorNamesAFieldThatTheReaderOwns) {
  JsonReader reader{bindings()};
  const JsonReader copy = reader;
  RecordBatch batch;
  batch.append({}, "{}", 0, 0);
  Values values;
  EXPECT_EQ(reader.read(batch.records()[0], batch.arena(), values).field.data(),
            reader.bindings()[0].name.data());
  EXPECT_NE(copy.bindings()[0].name.data(), reader.bindings()[0].name.data());
}

TEST(JsonReaderTest, WithNothingBoundAnyObjectIsGood) {
  JsonReader reader{{}};
  RecordBatch batch;
  for (const std::string_view text : {"{}", "{\"a\":1}", "[]", "{"}) batch.append({}, text, 0, 0);
  EXPECT_TRUE(reader.read(batch.records()[0], batch.arena(), {}).ok());
  EXPECT_TRUE(reader.read(batch.records()[1], batch.arena(), {}).ok());
  EXPECT_EQ(reader.read(batch.records()[2], batch.arena(), {}).error, RecordError::kRootNotObject);
}

TEST(JsonReaderDeathTest, RefusesTheSameFieldTwice) {
  auto twice = bindings();
  twice.push_back(twice[0]);
  EXPECT_DEATH(JsonReader{twice}, "each field is bound once");
}

}  // namespace
}  // namespace millrace
