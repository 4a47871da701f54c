#include "millrace/apps/frames/frame_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/csv.h"
#include "millrace/operators/codec/msgpack.h"

namespace millrace {
namespace {

struct Parsed {
  std::uint64_t ts = 0;
  std::string uid;
};

/// "ts uid" of a good record.
template <class Codec>
std::string read(Codec codec, std::string_view bytes) {
  RecordBatch batch;
  batch.append({}, bytes, 0, 0);
  Parsed parsed;
  if (!codec.decode(batch.records()[0], batch.arena(), parsed).ok()) return "bad";
  return std::to_string(parsed.ts) + " " + parsed.uid;
}

std::string read_csv(std::string_view line) {
  return read(csv<Parsed>({.header = std::string{kCsvFrameHeader}}, field("ts", &Parsed::ts),
                          field("uid", &Parsed::uid)),
              line);
}
std::string read_msgpack(std::string_view bytes) {
  return read(msgpack<Parsed>(field("ts", &Parsed::ts), field("uid", &Parsed::uid)), bytes);
}

struct Format {
  std::string name;
  std::unique_ptr<FrameWriter> (*writer)(const FrameOptions&);
  std::string (*read)(std::string_view);
};

class FrameWriterTest : public testing::TestWithParam<Format> {
 protected:
  static FrameOptions troubled() {
    FrameOptions options;
    options.bytes = 500;
    options.rate = 50;
    options.late_percent = 10;
    options.flip_percent = 4;
    options.broken_percent = 20;
    return options;
  }
  struct Record {
    Frame frame;
    std::string json;
    std::string bytes;
  };
  static std::vector<Record> generate(const FrameOptions& options, std::size_t count) {
    FrameGenerator generator(options);
    const std::unique_ptr<FrameWriter> writer = GetParam().writer(options);
    std::vector<Record> records(count);
    for (Record& record : records) {
      record.frame = generator.append_next(record.json);
      writer->append(record.frame, generator.uid(record.frame.user), record.bytes);
    }
    return records;
  }
};

TEST_P(FrameWriterTest, WritesWhatTheFrameSays) {
  const FrameGenerator generator(troubled());
  std::set<std::string> users;
  for (const Record& record : generate(troubled(), 5'000)) {
    const std::string uid = generator.uid(record.frame.user);
    if (record.frame.kind == FrameKind::kBroken) {
      ASSERT_EQ(GetParam().read(record.bytes), "bad")
          << static_cast<int>(record.frame.broken) << ": " << record.bytes;
    } else {
      ASSERT_EQ(GetParam().read(record.bytes), std::to_string(record.frame.ts) + " " + uid)
          << record.bytes;
    }
  }
}

TEST_P(FrameWriterTest, BreaksFramesInManyWays) {
  FrameOptions options = troubled();
  options.late_percent = options.flip_percent = 0;
  options.broken_percent = 100;
  std::set<std::string> ways;
  for (const Record& record : generate(options, kBrokenKinds)) ways.insert(record.bytes);
  EXPECT_EQ(ways.size(), kBrokenKinds);
}

TEST_P(FrameWriterTest, GivesTheSameBytesForTheSameSeed) {
  const auto bytes_of = [](const FrameOptions& options) {
    std::string bytes;
    for (const Record& record : generate(options, 1'000)) bytes += record.bytes;
    return bytes;
  };
  FrameOptions other = troubled();
  other.seed = 2;
  EXPECT_EQ(bytes_of(troubled()), bytes_of(troubled()));
  EXPECT_NE(bytes_of(troubled()), bytes_of(other));
}

TEST_P(FrameWriterTest, WritesFramesOfAboutTheLengthAskedFor) {
  for (const std::uint32_t bytes : {500u, 2'000u, 20'000u}) {
    FrameOptions options;
    options.bytes = bytes;
    double sum = 0;
    for (const Record& record : generate(options, 500)) sum += double(record.bytes.size());
    EXPECT_GT(sum / 500, 0.95 * bytes);
    EXPECT_LT(sum / 500, 1.2 * bytes + 60);
  }
}

TEST_P(FrameWriterTest, WritesTheSmallestFrames) {
  FrameOptions options;
  options.bytes = 1;
  const FrameGenerator generator(options);
  for (const Record& record : generate(options, 500))
    ASSERT_EQ(GetParam().read(record.bytes),
              std::to_string(record.frame.ts) + " " + generator.uid(record.frame.user));
}

INSTANTIATE_TEST_SUITE_P(Formats, FrameWriterTest,
                         testing::Values(Format{"Csv", csv_frame_writer, read_csv},
                                         Format{"Msgpack", msgpack_frame_writer, read_msgpack}),
                         [](const auto& each) { return each.param.name; });

TEST(CsvFrameWriterTest, OneFrameIsOneLine) {
  FrameOptions options;
  options.broken_percent = 20;
  for (const bool crlf : {false, true}) {
    options.crlf = crlf;
    FrameGenerator generator(options);
    const std::unique_ptr<FrameWriter> writer = csv_frame_writer(options);
    for (int i = 0; i < 1'000; ++i) {
      std::string json, line;
      const Frame frame = generator.append_next(json);
      writer->append(frame, generator.uid(frame.user), line);
      ASSERT_EQ(line.find('\n'), line.size() - 1) << line;
      ASSERT_EQ(line.ends_with("\r\n"), crlf) << line;
    }
  }
}

}  // namespace
}  // namespace millrace
