#include "millrace/operators/codec/json_scanner.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <string>

#include "millrace/tests/operators/codec/random_json.h"

namespace millrace {
namespace {

const std::array<FieldBinding, 2> kBindings{
    FieldBinding{"ts", FieldKind::kInteger, false, 0, 253'402'300'799},
    FieldBinding{"uid", FieldKind::kString, false, 0, 0}};

bool has_long_number(const std::string& text) {
  std::size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 18) return true;
  }
  return false;
}

/// Validity by another implementation. It also refuses what is valid syntax and only cannot be
/// represented.
bool valid_by_simdjson(const std::string& text, simdjson::dom::parser& parser) {
  switch (parser.parse(text).error()) {
    case simdjson::SUCCESS:
      return true;
    case simdjson::NUMBER_ERROR:
      return text.find_first_of("eE") != std::string::npos || has_long_number(text);
    case simdjson::STRING_ERROR:
      return text.find("\\ud") != std::string::npos || text.find("\\uD") != std::string::npos;
    default:
      return false;
  }
}

TEST(JsonScannerTest, WholeDocumentsAreValidWhereSimdjsonSaysSo) {
  simdjson::dom::parser parser;
  JsonScanner scanner;
  int valid = 0;
  for (std::uint64_t seed = 100'001; seed <= 115'000; ++seed) {
    RandomJson random{seed};
    const std::string text = random.mutated(random.object());
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": " << text);
    RecordBatch batch;
    batch.append({}, text, 0, 0);
    const DecodeOutcome outcome =
        scanner.scan(batch.records()[0].value, {}, Strictness::kWholeRecord, batch.arena(), {});
    if (parser.parse(text).error() == simdjson::SUCCESS) {
      ++valid;
      ASSERT_NE(outcome.error, RecordError::kMalformed);
    } else if (outcome.error != RecordError::kMalformed && outcome.error != RecordError::kEmpty) {
      ASSERT_TRUE(valid_by_simdjson(text, parser));
    }
  }
  EXPECT_GT(valid, 2'000);
}

TEST(JsonScannerTest, FindsTheFieldsOfAnIndependentParser) {
  simdjson::dom::parser parser;
  JsonScanner scanner;
  int found = 0;
  for (std::uint64_t seed = 200'001; seed <= 205'000; ++seed) {
    const std::string text = RandomJson{seed}.object();
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": " << text);
    RecordBatch batch;
    batch.append({}, text, 0, 0);
    std::array<FieldValue, 2> values;
    const DecodeOutcome outcome = scanner.scan(batch.records()[0].value, kBindings,
                                               Strictness::kBoundFields, batch.arena(), values);
    simdjson::dom::object object;
    ASSERT_EQ(parser.parse(text).get(object), simdjson::SUCCESS);
    simdjson::dom::element ts, uid;
    const bool both = !object.at_key("ts").get(ts) && !object.at_key("uid").get(uid);
    if (!both) {
      ASSERT_FALSE(outcome.ok());
    } else if (std::uint64_t number = 0;
               uid.is_string() && !ts.get(number) && number <= kBindings[0].maximum) {
      ++found;
      ASSERT_TRUE(outcome.ok());
      ASSERT_EQ(values[0].integer, number);
      ASSERT_EQ(values[1].text, std::string_view{uid});
    } else if (!uid.is_string()) {
      ASSERT_FALSE(outcome.ok());
    }
  }
  EXPECT_GT(found, 300);
}

TEST(JsonScannerTest, ReadsNothingBehindTheText) {
  JsonScanner scanner;
  const std::string document =
      R"({"a":[1,{"b":"c\n"}],"uid":"\u0061b","ts":"14","z":[true,null,-1.5e3]})";
  for (std::size_t length = 1; length <= document.size(); ++length) {
    // What is behind differs, the outcome must not.
    std::array<RecordError, 3> errors;
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const std::string padded = document.substr(0, length) +
                                 (i == 0 ? document.substr(length) : "") +
                                 std::string(kRecordPadding, i == 1 ? '"' : '5');
      Arena arena;
      std::array<FieldValue, 2> values;
      errors[i] = scanner
                      .scan(std::string_view{padded}.substr(0, length), kBindings,
                            Strictness::kWholeRecord, arena, values)
                      .error;
    }
    EXPECT_EQ(errors[0], errors[1]) << length;
    EXPECT_EQ(errors[0], errors[2]) << length;
    EXPECT_EQ(errors[0] == RecordError::kNone, length == document.size()) << length;
  }
}

}  // namespace
}  // namespace millrace
