#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/apps/frames/frame_generator.h"

namespace millrace {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

struct Line {
  std::string text;  // without its line end
  Frame frame;
};

std::vector<Line> generate(const FrameOptions& options, int count) {
  FrameGenerator generator(options);
  std::vector<Line> lines(static_cast<std::size_t>(count));
  for (Line& line : lines) {
    line.frame = generator.append_next(line.text);
    line.text.resize(line.text.size() - (options.crlf ? 2 : 1));
  }
  return lines;
}

std::string bytes_of(const FrameOptions& options, int count) {
  FrameGenerator generator(options);
  std::string bytes;
  for (int i = 0; i < count; ++i) generator.append_next(bytes);
  return bytes;
}

struct Parsed {
  std::int64_t ts = 0;
  std::string uid;
};

// A second opinion on what a line says: the whole document, by the rules for a good frame.
class Parser {
 public:
  std::optional<Parsed> parse(const std::string& text) {
    simdjson::dom::object root;
    Parsed parsed;
    std::string_view uid;
    if (parser_.parse(text).get(root) || !read_ts(root, parsed.ts) || root["uid"].get(uid))
      return std::nullopt;
    parsed.uid = uid;
    return parsed;
  }

 private:
  static bool read_ts(simdjson::dom::object root, std::int64_t& ts) {
    if (root["ts"].get(ts) != simdjson::SUCCESS) {
      std::string_view digits;
      if (root["ts"].get(digits)) return false;
      const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), ts);
      if (end.ec != std::errc{} || end.ptr != digits.data() + digits.size()) return false;
    }
    return ts >= 0;
  }

  simdjson::dom::parser parser_;
};

FrameOptions troubled() {
  FrameOptions options;
  options.bytes = 500;
  options.rate = 50;
  options.late_percent = 10;
  options.flip_percent = 4;
  options.broken_percent = 20;
  return options;
}

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return hash;
}

TEST(FrameGenerator, GivesTheSameBytesForTheSameSeedOnEveryMachine) {
  EXPECT_EQ(bytes_of(troubled(), 1000), bytes_of(troubled(), 1000));
  EXPECT_EQ(fnv1a(bytes_of(troubled(), 1000)), 16325422843128711720u);
}

TEST(FrameGenerator, GivesOtherBytesAndOtherUsersForAnotherSeed) {
  FrameOptions other = troubled();
  other.seed = 2;
  EXPECT_NE(bytes_of(troubled(), 10), bytes_of(other, 10));
  EXPECT_NE(FrameGenerator(troubled()).uid(0), FrameGenerator(other).uid(0));
}

TEST(FrameGenerator, WritesUnbrokenFramesAsObjectsWithTsAndUidAtTheRoot) {
  const FrameGenerator generator(troubled());
  Parser parser;
  for (const Line& line : generate(troubled(), 5000)) {
    if (line.frame.kind == FrameKind::kBroken) continue;
    const std::optional<Parsed> parsed = parser.parse(line.text);
    ASSERT_TRUE(parsed) << line.text;
    EXPECT_EQ(parsed->ts, line.frame.ts) << line.text;
    EXPECT_EQ(parsed->uid, generator.uid(line.frame.user)) << line.text;
  }
}

TEST(FrameGenerator, WritesNoGoodFrameWhereItSaysBroken) {
  Parser parser;
  std::set<std::string> texts;
  for (const Line& line : generate(troubled(), 5000)) {
    if (line.frame.kind != FrameKind::kBroken) continue;
    EXPECT_FALSE(parser.parse(line.text)) << line.text;
    texts.insert(line.text);
  }
  EXPECT_TRUE(texts.contains("")) << "the empty line";
  EXPECT_GT(texts.size(), 500u);
}

TEST(FrameGenerator, TakesTheWaysOfBeingBrokenInTurns) {
  FrameOptions options = troubled();
  options.late_percent = options.flip_percent = 0;
  options.broken_percent = 100;
  const std::vector<Line> lines = generate(options, 2 * static_cast<int>(kBrokenKinds));
  for (const std::size_t round : {std::size_t{0}, std::size_t{kBrokenKinds}}) {
    const auto text = [&](BrokenKind kind) {
      return lines[round + static_cast<std::size_t>(kind)].text;
    };
    EXPECT_THAT(text(BrokenKind::kCutShort), Not(EndsWith("}")));
    EXPECT_THAT(text(BrokenKind::kText), HasSubstr("HTTP/1.1"));
    EXPECT_THAT(text(BrokenKind::kNullUid), HasSubstr("\"uid\":null"));
    EXPECT_THAT(text(BrokenKind::kFractionalTs), ContainsRegex("\"ts\":[0-9]+\\.5"));
    EXPECT_THAT(text(BrokenKind::kEmptyLine), "");
    EXPECT_THAT(text(BrokenKind::kInvalidUtf8), HasSubstr("\xff\""));
    EXPECT_THAT(text(BrokenKind::kNotAnObject), EndsWith("]"));
    EXPECT_THAT(text(BrokenKind::kNullTs), HasSubstr("\"ts\":null"));
    EXPECT_THAT(text(BrokenKind::kNumericUid), ContainsRegex("\"uid\":[0-9]+"));
    EXPECT_THAT(text(BrokenKind::kNegativeTs), ContainsRegex("\"ts\":-[0-9]+"));
    EXPECT_THAT(text(BrokenKind::kWordyTs), HasSubstr("\"ts\":\"yesterday\""));
    EXPECT_THAT(text(BrokenKind::kObjectUid), HasSubstr("\"uid\":{\"uid\":\"nested\"}"));
  }
}

TEST(FrameGenerator, AdvancesTsByOneSecondEachRateFrames) {
  const FrameOptions options = troubled();
  std::int64_t now = options.start_s;
  std::uint32_t in_second = 0;
  for (const Line& line : generate(options, 5000)) {
    switch (line.frame.kind) {
      case FrameKind::kInOrder:
        EXPECT_EQ(line.frame.ts, now);
        break;
      case FrameKind::kLate:
        EXPECT_LT(line.frame.ts, now);
        EXPECT_GE(line.frame.ts, now - options.max_delay.count());
        break;
      case FrameKind::kFlipped: {
        const auto flipped = static_cast<std::uint64_t>(line.frame.ts ^ now);
        EXPECT_TRUE(std::has_single_bit(flipped));
        EXPECT_GE(flipped, static_cast<std::uint64_t>(FrameGenerator::kFlipFloor_s));
        break;
      }
      case FrameKind::kBroken:
        break;
    }
    if (++in_second == options.rate) {
      in_second = 0;
      ++now;
    }
  }
}

TEST(FrameGenerator, WritesTheSharesAskedFor) {
  int counts[4] = {};
  for (const Line& line : generate(troubled(), 20'000)) ++counts[static_cast<int>(line.frame.kind)];
  EXPECT_NEAR(counts[static_cast<int>(FrameKind::kLate)], 2000, 200);
  EXPECT_NEAR(counts[static_cast<int>(FrameKind::kFlipped)], 800, 120);
  EXPECT_NEAR(counts[static_cast<int>(FrameKind::kBroken)], 4000, 300);
}

TEST(FrameGenerator, FlipsAheadAndBack) {
  int ahead = 0;
  int back = 0;
  FrameOptions options = troubled();
  options.broken_percent = options.late_percent = 0;
  options.flip_percent = 100;
  for (const Line& line : generate(options, 1000))
    ++(line.frame.ts > options.start_s + 1000 ? ahead : back);
  EXPECT_GT(ahead, 200);
  EXPECT_GT(back, 200);
}

TEST(FrameGenerator, SpellsTheSameUserInSeveralWays) {
  FrameOptions options;
  options.users = 1;
  options.bytes = 1;
  std::set<std::string> spellings;
  std::set<std::string> uids;
  Parser parser;
  for (const Line& line : generate(options, 200)) {
    spellings.insert(line.text.substr(line.text.find("\"uid\"")));
    uids.insert(parser.parse(line.text)->uid);
  }
  EXPECT_GE(spellings.size(), 4u);
  EXPECT_THAT(uids, ::testing::ElementsAre(FrameGenerator(options).uid(0)));
}

TEST(FrameGenerator, GivesEveryUserItsOwnUid) {
  const FrameGenerator generator(FrameOptions{});
  std::set<std::string> uids;
  bool beyond_ascii = false;
  for (std::uint32_t user = 0; user < 10'000; ++user) {
    const std::string uid = generator.uid(user);
    beyond_ascii |= static_cast<unsigned char>(uid.front()) >= 0x80;
    uids.insert(uid);
  }
  EXPECT_EQ(uids.size(), 10'000u);
  EXPECT_TRUE(beyond_ascii);
}

TEST(FrameGenerator, DrawsEveryUser) {
  FrameOptions options;
  options.users = 50;
  options.bytes = 100;
  std::set<std::uint32_t> users;
  for (const Line& line : generate(options, 2000)) users.insert(line.frame.user);
  EXPECT_EQ(users.size(), 50u);
  EXPECT_EQ(*users.rbegin(), 49u);
}

TEST(FrameGenerator, PutsTheFieldsInAnyOrder) {
  bool ts_first = false;
  bool uid_first = false;
  bool neither_first = false;
  FrameOptions options;
  options.bytes = 300;
  for (const Line& line : generate(options, 1000)) {
    ts_first |= line.text.starts_with("{\"ts\"");
    uid_first |= line.text.starts_with("{\"uid\"");
    neither_first |= !line.text.starts_with("{\"ts\"") && !line.text.starts_with("{\"uid\"");
  }
  EXPECT_TRUE(ts_first && uid_first && neither_first);
}

TEST(FrameGenerator, WritesFramesOfAboutTheLengthAskedFor) {
  for (const std::uint32_t bytes : {500u, 2'000u, 100'000u}) {
    FrameOptions options;
    options.bytes = bytes;
    const double mean = static_cast<double>(bytes_of(options, 500).size()) / 500;
    EXPECT_GT(mean, 0.95 * bytes);
    EXPECT_LT(mean, 1.15 * bytes + 50);
  }
}

TEST(FrameGenerator, EndsLinesAsAsked) {
  FrameOptions options;
  EXPECT_THAT(bytes_of(options, 1), EndsWith("}\n"));
  options.crlf = true;
  EXPECT_THAT(bytes_of(options, 1), EndsWith("}\r\n"));
  EXPECT_THAT(bytes_of(options, 100), Not(HasSubstr("}\n")));
}

TEST(FrameGenerator, RefusesOptionsOutOfRange) {
  const auto message = [](auto change) {
    FrameOptions options;
    change(options);
    return options.validate().message();
  };
  EXPECT_EQ(message([](FrameOptions&) {}), "");
  EXPECT_EQ(message([](FrameOptions& o) { o.late_percent = 101; }),
            "late-percent is 101: it must be between 0 and 100");
  EXPECT_THAT(message([](FrameOptions& o) { o.users = 0; }), HasSubstr("users is 0"));
  EXPECT_THAT(message([](FrameOptions& o) { o.rate = 0; }), HasSubstr("rate is 0"));
  EXPECT_THAT(message([](FrameOptions& o) { o.max_delay = std::chrono::seconds{0}; }),
              HasSubstr("max-delay"));
  EXPECT_THAT(message([](FrameOptions& o) { o.late_percent = o.broken_percent = 60; }),
              HasSubstr("together is 120"));
}

}  // namespace
}  // namespace millrace
