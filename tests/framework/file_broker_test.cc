#include "millrace/framework/file/file_broker.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/framework/file/stream_input.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

/// Time that only the test moves; read by several threads.
class SteppedClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms_; }
  std::int64_t monotonic_ms() const override { return now_ms_; }
  void advance(std::chrono::milliseconds by) { now_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ms_{1'700'000'000'000};
};

/// A pipe whose reading end a broker gets as standard input.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    finish();
    close_reader();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(ends_[1], text.data(), text.size());
      ASSERT_GT(written, 0);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void finish() { close(ends_[1]); }
  void close_reader() { close(ends_[0]); }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }

 private:
  static void close(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  int ends_[2] = {-1, -1};
};

const TopicPartition kIn{"in", 0};
constexpr std::size_t kMaxLineBytes = 1 << 20;
constexpr std::size_t kKeepBytes = 16 << 20;

class FileBrokerTest : public ::testing::Test {
 protected:
  FileBrokerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "millrace-file-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~FileBrokerTest() override {
    consumer_.reset();
    producer_.reset();
    broker_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  std::string write_file(const std::string& text, const std::string& name = "in.jsonl") const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  static std::string read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::unique_ptr<Broker> embedded() {
    Result<std::unique_ptr<Broker>> inner =
        open_embedded_broker({.directory = "", .clock = clock_, .log = null_log()});
    EXPECT_TRUE(inner.ok()) << inner.status().message();
    return *std::move(inner);
  }
  Status open(const FileOptions& options) {
    Result<std::unique_ptr<Broker>> broker = open_file_broker(options, embedded());
    MILLRACE_RETURN_IF_ERROR(broker.status());
    broker_ = *std::move(broker);
    return {};
  }
  void open_input(const std::string& file) {
    const Status opened =
        open({.clock = clock_, .inputs = {{"in", file}}, .max_line_bytes = kMaxLineBytes});
    ASSERT_TRUE(opened.ok()) << opened.message();
    make_consumer();
  }
  void open_pipe() {
    const Status opened = open({.clock = clock_,
                                .inputs = {{"in", "-"}},
                                .standard_input = pipe_.reader(),
                                .max_line_bytes = kMaxLineBytes,
                                .stream_keep_bytes = kKeepBytes});
    ASSERT_TRUE(opened.ok()) << opened.message();
    make_consumer();
  }
  void make_consumer() {
    consumer_ = *broker_->consumer({.group_id = "group", .client_id = "", .group_instance_id = ""});
  }
  void make_producer() {
    producer_ =
        *broker_->producer({.client_id = "", .transactional_id = "producer", .compression = ""});
    ASSERT_TRUE(producer_->init_transactions().ok());
  }
  /// Joins the group with the input as lead topic, and assigns it.
  void join() {
    ASSERT_TRUE(consumer_->subscribe({"in"}).ok());
    while (consumer_->membership().owned.empty()) {
      ASSERT_TRUE(consumer_->serve().ok());
      consumer_->wait(1s);
    }
    ASSERT_TRUE(assign(0).ok());
  }
  Status assign(std::int64_t offset) {
    const PartitionOffset at[] = {{kIn, offset, ""}};
    return consumer_->assign(at);
  }
  Status commit_offset(std::int64_t offset) {
    const PartitionOffset at[] = {{kIn, offset, "metadata"}};
    MILLRACE_RETURN_IF_ERROR(producer_->begin());
    MILLRACE_RETURN_IF_ERROR(producer_->send_offsets(at, *consumer_->group_metadata()));
    return producer_->commit();
  }

  /// What one poll() gives.
  std::vector<std::string> poll(const PollLimit& limit = {}) {
    RecordBatch batch;
    const std::int64_t position = consumer_->position(kIn);
    const Status polled = consumer_->poll(kIn, limit, batch);
    EXPECT_TRUE(polled.ok()) << polled.message();
    std::vector<std::string> values;
    for (const RecordView& record : batch.records()) {
      EXPECT_EQ(record.offset, position + static_cast<std::int64_t>(values.size()));
      EXPECT_EQ(record.timestamp_ms, RecordView::kNoTimestamp);
      EXPECT_FALSE(record.has_key());
      EXPECT_TRUE(record.has_value());
      values.emplace_back(record.value);
    }
    EXPECT_EQ(consumer_->position(kIn), position + static_cast<std::int64_t>(values.size()));
    return values;
  }
  /// Waits for `count` lines, as a stream thread does.
  std::vector<std::string> read(std::size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      for (std::string& value : poll({.records = count - values.size(), .bytes = 1 << 20}))
        values.push_back(std::move(value));
      if (values.size() < count) consumer_->wait(30s);
    }
    return values;
  }
  std::vector<std::string> read_to_end() {
    std::vector<std::string> values;
    while (!at_end()) {
      for (std::string& value : poll()) values.push_back(std::move(value));
      if (!at_end()) consumer_->wait(30s);
    }
    return values;
  }
  bool at_end() const {
    const std::optional<std::int64_t> end = consumer_->high_watermark(kIn);
    return end && consumer_->position(kIn) >= *end;
  }
  /// The error that reading on comes to.
  Status read_to_error() {
    while (true) {
      RecordBatch batch;
      if (const Status polled = consumer_->poll(kIn, {}, batch); !polled.ok()) return polled;
      if (at_end()) return {};
      consumer_->wait(30s);
    }
  }
  std::int64_t offset(OffsetSpec which) {
    return broker_->admin().list_offsets({&kIn, 1}, which)->front();
  }

  SteppedClock clock_;
  std::filesystem::path directory_;
  Pipe pipe_;  ///< the broker only borrows its ends
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Consumer> consumer_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(FileBrokerTest, ReadsLinesWithEitherEndAndTheLastWithoutOne) {
  open_input(write_file("one\ntwo\r\n\n\r\ncarriage\rreturn\r\r\nlast"));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("one", "two", "", "", "carriage\rreturn\r", "last"));
}

TEST_F(FileBrokerTest, ReadsAnEmptyFile) {
  open_input(write_file(""));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(poll(), IsEmpty());
  EXPECT_THAT(consumer_->high_watermark(kIn), Optional(0));
}

TEST_F(FileBrokerTest, ReadsALongFileOnceInOrder) {
  std::string text;
  std::vector<std::string> lines;
  for (int i = 0; i < 30'000; ++i) {
    lines.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 300), 'x'));
    text += lines.back() + "\n";
  }
  open_input(write_file(text));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_EQ(read_to_end(), lines);
}

TEST_F(FileBrokerTest, KnowsTheEndOnlyWhenItHasSeenIt) {
  open_input(write_file("a\nb\n"));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_EQ(offset(OffsetSpec::kEarliest), 0);
  EXPECT_EQ(offset(OffsetSpec::kLatest), Admin::kEndUnknown);
  EXPECT_EQ(consumer_->high_watermark(kIn), std::nullopt);
  EXPECT_THAT(read_to_end(), SizeIs(2));
  EXPECT_EQ(offset(OffsetSpec::kLatest), 2);
  EXPECT_THAT(consumer_->high_watermark(kIn), Optional(2));
}

TEST_F(FileBrokerTest, KeepsTheEndItHasSeenWhenTheFileGrows) {
  const std::string file = write_file("a\nb");
  open_input(file);
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("a", "b"));
  std::ofstream(file, std::ios::app) << "bb\nc\n";
  EXPECT_THAT(poll(), IsEmpty());
  ASSERT_TRUE(consumer_->seek(kIn, 1).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("b"));
}

TEST_F(FileBrokerTest, ObeysTheLimitsButDeliversOneLineAtLeast) {
  open_input(write_file("1234\n5678\n90\nab\n"));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(poll({.records = 1, .bytes = 100}), ElementsAre("1234"));
  EXPECT_THAT(poll({.records = 10, .bytes = 6}), ElementsAre("5678", "90"));
  EXPECT_THAT(poll({.records = 10, .bytes = 1}), ElementsAre("ab"));
}

TEST_F(FileBrokerTest, GoesBackInAFileAndAhead) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + "\n";
  open_input(write_file(text));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(read_to_end(), SizeIs(400'000));
  for (const std::int64_t line : {0, 399'999, 123'456, 7, 299'999}) {
    ASSERT_TRUE(consumer_->seek(kIn, line).ok());
    EXPECT_EQ(consumer_->position(kIn), line);
    EXPECT_THAT(poll({.records = 1, .bytes = 100}), ElementsAre(std::to_string(line)));
  }
}

TEST_F(FileBrokerTest, BeginsWhereItIsAssigned) {
  open_input(write_file("a\nb\nc\n"));
  ASSERT_TRUE(assign(2).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("c"));
  ASSERT_TRUE(consumer_->unassign({&kIn, 1}).ok());
  ASSERT_TRUE(assign(1).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("b", "c"));
}

TEST_F(FileBrokerTest, RefusesAnOffsetBeyondTheEnd) {
  open_input(write_file("a\nb\n"));
  ASSERT_TRUE(assign(5).ok());
  const Status status = read_to_error();
  EXPECT_EQ(status.code(), StatusCode::kFailed);
  EXPECT_THAT(status.message(),
              HasSubstr("offset 5 of '" + path("in.jsonl") + "' is out of range: it has 2 lines"));
}

TEST_F(FileBrokerTest, ReadsLinesUpToTheGreatestLength) {
  const std::string longer(kMaxLineBytes, 'x');
  open_input(write_file("a\n" + longer + "\r\nb\n" + longer));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("a", longer, "b", longer));
}

TEST_F(FileBrokerTest, NamesALineThatIsTooLong) {
  open_input(write_file("a\n" + std::string(kMaxLineBytes + 1, 'x') + "\nb\n"));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(read_to_error().message(), HasSubstr("line 2 of '" + path("in.jsonl") +
                                                   "' (offset 1) is longer than 1048576 bytes"));
}

TEST_F(FileBrokerTest, ReadsStandardInputFromWhereItStands) {
  const int file = ::open(write_file("taken\nleft\n").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::lseek(file, 6, SEEK_SET), 6);
  ASSERT_TRUE(open({.clock = clock_, .inputs = {{"in", "-"}}, .standard_input = file}).ok());
  make_consumer();
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(read_to_end(), ElementsAre("left"));
  ::close(file);
}

TEST_F(FileBrokerTest, ReadsAPipeLineByLineAsItComes) {
  open_pipe();
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(poll(), IsEmpty());
  pipe_.write("one\r\ntw");
  EXPECT_THAT(read(1), ElementsAre("one"));
  EXPECT_EQ(consumer_->high_watermark(kIn), std::nullopt);
  pipe_.write("o\nthree");
  EXPECT_THAT(read(1), ElementsAre("two"));
  pipe_.finish();
  EXPECT_THAT(read_to_end(), ElementsAre("three"));
  EXPECT_THAT(consumer_->high_watermark(kIn), Optional(3));
  EXPECT_EQ(offset(OffsetSpec::kLatest), 3);
}

TEST_F(FileBrokerTest, WakesAConsumerThatWaitsForAPipe) {
  open_pipe();
  ASSERT_TRUE(assign(0).ok());
  std::thread writer([this] { pipe_.write("late\n"); });
  EXPECT_THAT(read(1), ElementsAre("late"));  // no wait of it may last its 30 s
  writer.join();
}

TEST_F(FileBrokerTest, ReadsMuchFromAPipeInOrder) {
  open_pipe();
  join();
  make_producer();
  constexpr std::int64_t kLines = 60'000;
  const std::string filling(500, 'x');  // more in all than is read ahead
  std::thread writer([&] {
    std::string text;
    for (std::int64_t i = 0; i < kLines; ++i) text += std::to_string(i) + filling + "\n";
    pipe_.write(text);
    pipe_.finish();
  });
  std::int64_t line = 0;
  while (!at_end()) {
    for (const std::string& value : poll()) ASSERT_EQ(value, std::to_string(line++) + filling);
    ASSERT_TRUE(commit_offset(line).ok());
    if (!at_end()) consumer_->wait(30s);
  }
  EXPECT_EQ(line, kLines);
  writer.join();
}

TEST_F(FileBrokerTest, KeepsWhatAPipeGaveUntilItIsCommitted) {
  open_pipe();
  join();
  make_producer();
  pipe_.write("a\nb\n");
  EXPECT_THAT(read(2), ElementsAre("a", "b"));
  pipe_.write("c\nd\n");
  EXPECT_THAT(read(2), ElementsAre("c", "d"));
  ASSERT_TRUE(consumer_->seek(kIn, 0).ok());
  EXPECT_THAT(read(3), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(commit_offset(3).ok());
  EXPECT_GT(offset(OffsetSpec::kEarliest), 0);
  ASSERT_TRUE(consumer_->seek(kIn, 3).ok());
  EXPECT_THAT(read(1), ElementsAre("d"));
  EXPECT_THAT(consumer_->seek(kIn, 0).message(),
              HasSubstr("line 1 of 'standard input' (offset 0) cannot be read again"));
}

TEST_F(FileBrokerTest, HandsAPipeOnToAnotherConsumer) {
  open_pipe();
  join();
  make_producer();
  pipe_.write("a\nb\nc\n");
  EXPECT_THAT(read(3), SizeIs(3));
  ASSERT_TRUE(commit_offset(1).ok());
  ASSERT_TRUE(consumer_->close().ok());
  make_consumer();
  ASSERT_TRUE(assign(1).ok());
  EXPECT_THAT(read(2), ElementsAre("b", "c"));
}

TEST_F(FileBrokerTest, ReadsLinesUpToTheGreatestLengthFromAPipe) {
  open_pipe();
  ASSERT_TRUE(assign(0).ok());
  const std::string longer(kMaxLineBytes, 'x');
  std::thread writer([&] {
    pipe_.write("a\n" + longer + "\r\nb\n" + longer);
    pipe_.finish();
  });
  EXPECT_EQ(read_to_end(), (std::vector<std::string>{"a", longer, "b", longer}));
  writer.join();
}

TEST_F(FileBrokerTest, NamesALineFromAPipeThatIsTooLong) {
  open_pipe();
  ASSERT_TRUE(assign(0).ok());
  std::thread writer([&] { pipe_.write("a\n" + std::string(kMaxLineBytes + 2, 'x')); });
  EXPECT_THAT(read_to_error().message(),
              HasSubstr("line 2 of 'standard input' (offset 1) is longer than 1048576 bytes"));
  writer.join();
}

TEST_F(FileBrokerTest, FailsWhenAPipeWaitsTooLongForACommit) {
  open_pipe();
  ASSERT_TRUE(assign(0).ok());
  const std::string line = std::string((1 << 20) - 1, 'x') + "\n";
  std::thread writer([&] {
    for (std::size_t sent = 0; sent < kKeepBytes; sent += line.size()) pipe_.write(line);
  });
  for (std::size_t got = 0; got < kKeepBytes;) got += read(1).size() * line.size();
  writer.join();
  EXPECT_THAT(poll(), IsEmpty());
  clock_.advance(StreamInput::kStallLimit);
  RecordBatch batch;
  EXPECT_THAT(consumer_->poll(kIn, {}, batch).message(),
              HasSubstr("16777216 bytes were read since the last one"));
}

TEST_F(FileBrokerTest, ClosesWhileAPipeIsStillOpen) {
  open_pipe();
  ASSERT_TRUE(assign(0).ok());
  consumer_.reset();
  broker_.reset();  // must not wait for the writer
  SUCCEED();
}

TEST_F(FileBrokerTest, ReadsANamedPipeThatNobodyHasOpenedYet) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  open_input(path("fifo"));
  ASSERT_TRUE(assign(0).ok());
  EXPECT_THAT(poll(), IsEmpty());
  EXPECT_EQ(consumer_->high_watermark(kIn), std::nullopt);
  std::ofstream(path("fifo")) << "a\n";
  EXPECT_THAT(read_to_end(), ElementsAre("a"));
}

TEST_F(FileBrokerTest, WritesLinesAtTheCommitOnly) {
  ASSERT_TRUE(open({.clock = clock_, .outputs = {{"out", path("out")}}}).ok());
  make_producer();
  ASSERT_TRUE(producer_->begin().ok());
  ASSERT_TRUE(
      producer_->produce({.topic = "out", .key = "k", .value = "first", .headers = {}}).ok());
  ASSERT_TRUE(
      producer_->produce({.topic = "out", .key = {}, .value = "second", .headers = {}}).ok());
  ASSERT_TRUE(producer_->flush(1s).ok());
  EXPECT_EQ(read_file(path("out")), "");
  ASSERT_TRUE(producer_->commit().ok());
  EXPECT_EQ(read_file(path("out")), "first\nsecond\n");
}

TEST_F(FileBrokerTest, DropsLinesAtAnAbort) {
  ASSERT_TRUE(open({.clock = clock_, .outputs = {{"out", path("out")}}}).ok());
  make_producer();
  ASSERT_TRUE(producer_->begin().ok());
  ASSERT_TRUE(
      producer_->produce({.topic = "out", .key = {}, .value = "dropped", .headers = {}}).ok());
  ASSERT_TRUE(producer_->abort().ok());
  ASSERT_TRUE(producer_->begin().ok());
  ASSERT_TRUE(producer_->produce({.topic = "out", .key = {}, .value = "kept", .headers = {}}).ok());
  ASSERT_TRUE(producer_->commit().ok());
  EXPECT_EQ(read_file(path("out")), "kept\n");
}

TEST_F(FileBrokerTest, WritesAtFlushWithoutTransactions) {
  ASSERT_TRUE(open({.clock = clock_, .outputs = {{"out", path("out")}}}).ok());
  producer_ = *broker_->producer({.client_id = "", .transactional_id = "", .compression = ""});
  ASSERT_TRUE(producer_->produce({.topic = "out", .key = {}, .value = "a", .headers = {}}).ok());
  ASSERT_TRUE(producer_->flush(1s).ok());
  EXPECT_EQ(read_file(path("out")), "a\n");
}

TEST_F(FileBrokerTest, RefusesWhatCannotBeALine) {
  ASSERT_TRUE(
      open({.clock = clock_, .inputs = {{"in", write_file("")}}, .outputs = {{"out", path("out")}}})
          .ok());
  make_producer();
  ASSERT_TRUE(producer_->begin().ok());
  EXPECT_THAT(
      producer_->produce({.topic = "out", .key = {}, .value = "a\nb", .headers = {}}).message(),
      HasSubstr("contains a line feed"));
  EXPECT_THAT(
      producer_->produce({.topic = "out", .partition = 1, .key = {}, .value = "a", .headers = {}})
          .message(),
      HasSubstr("partition 1 of 'out'"));
  EXPECT_THAT(producer_->produce({.topic = "in", .key = {}, .value = "a", .headers = {}}).message(),
              HasSubstr("topic 'in' is a file that is read"));
}

TEST_F(FileBrokerTest, ReportsAClosedPipeWithoutSigpipe) {
  ASSERT_TRUE(
      open({.clock = clock_, .outputs = {{"out", "-"}}, .standard_output = pipe_.writer()}).ok());
  pipe_.close_reader();
  make_producer();
  ASSERT_TRUE(producer_->begin().ok());
  ASSERT_TRUE(producer_->produce({.topic = "out", .key = {}, .value = "a", .headers = {}}).ok());
  const Status committed = producer_->commit();
  EXPECT_EQ(committed.code(), StatusCode::kFailed);
  EXPECT_EQ(committed.message(), "cannot write to 'standard output': Broken pipe");
}

TEST_F(FileBrokerTest, ReportsAFullDisk) {
  ASSERT_TRUE(open({.clock = clock_, .outputs = {{"out", "/dev/full"}}}).ok());
  make_producer();
  ASSERT_TRUE(producer_->begin().ok());
  ASSERT_TRUE(producer_->produce({.topic = "out", .key = {}, .value = "a", .headers = {}}).ok());
  EXPECT_EQ(producer_->commit().message(), "cannot write to '/dev/full': No space left on device");
}

TEST_F(FileBrokerTest, WritesAndOverwritesFiles) {
  write_file("old and long\n", "out");
  ASSERT_TRUE(open({.clock = clock_, .outputs = {{"out", path("out")}}}).ok());
  EXPECT_EQ(read_file(path("out")), "");
}

TEST_F(FileBrokerTest, SaysThatLinesAreKept) {
  ASSERT_TRUE(open({.clock = clock_, .outputs = {{"out", path("out")}}}).ok());
  const auto configs = broker_->admin().topic_configs("out");
  ASSERT_TRUE(configs.ok()) << configs.status().message();
  EXPECT_EQ(configs->at("retention.ms"), "-1");
}

TEST_F(FileBrokerTest, LeavesAnInputAloneThatIsNamedAsOutputToo) {
  const std::string file = write_file("precious\n");
  const Status opened = open({.clock = clock_,
                              .inputs = {{"in", file}},
                              .outputs = {{"out", directory_ / "." / "in.jsonl"}}});
  EXPECT_EQ(opened.code(), StatusCode::kInvalid);
  EXPECT_THAT(opened.message(), HasSubstr("are the same file"));
  EXPECT_EQ(read_file(file), "precious\n");
}

TEST_F(FileBrokerTest, RefusesFilesThatCannotBeOpened) {
  const auto message = [this](const std::string& file) {
    return open({.clock = clock_, .inputs = {{"in", file}}}).message();
  };
  EXPECT_EQ(message(path("none")), "cannot open '" + path("none") + "': No such file or directory");
  EXPECT_EQ(message(directory_.string()),
            "cannot open '" + directory_.string() + "': it is a directory");
  EXPECT_THAT(open({.clock = clock_, .outputs = {{"out", path("no/where")}}}).message(),
              HasSubstr("No such file"));
  EXPECT_THAT(
      open({.clock = clock_, .inputs = {{"t", write_file("")}}, .outputs = {{"t", path("out")}}})
          .message(),
      HasSubstr("topic 't' is both input and output"));
}

TEST_F(FileBrokerTest, ShowsFilesAsTopicsOfOnePartition) {
  ASSERT_TRUE(open({.clock = clock_,
                    .inputs = {{"in", write_file("a\n")}},
                    .outputs = {{"out", path("out")}}})
                  .ok());
  EXPECT_EQ(broker_->admin().describe_topic("in")->partitions, 1);
  EXPECT_EQ(broker_->admin().describe_topic("out")->partitions, 1);
  EXPECT_EQ(broker_->name(), "file:" + path("in.jsonl"));
  EXPECT_THAT(broker_->admin().delete_topic("in").message(),
              EndsWith("is a file: delete the file instead"));
}

TEST_F(FileBrokerTest, CommitsOffsetsOfFilesInTheInnerBroker) {
  open_input(write_file("a\nb\nc\n"));
  join();
  make_producer();
  ASSERT_TRUE(commit_offset(2).ok());
  const Result<std::vector<PartitionOffset>> committed = consumer_->committed({&kIn, 1});
  ASSERT_TRUE(committed.ok());
  EXPECT_EQ(committed->front().offset, 2);
  EXPECT_EQ(committed->front().metadata, "metadata");
}

TEST_F(FileBrokerTest, LeavesOtherTopicsToTheInnerBroker) {
  open_input(write_file("line\n"));
  ASSERT_TRUE(
      broker_->admin().create_topic({.name = "other", .partitions = 1, .configs = {}}).ok());
  make_producer();
  ASSERT_TRUE(producer_->begin().ok());
  ASSERT_TRUE(producer_->produce({.topic = "other", .key = "k", .value = "v", .headers = {}}).ok());
  ASSERT_TRUE(producer_->commit().ok());
  const TopicPartition other{"other", 0};
  const PartitionOffset both[] = {{kIn, 0, ""}, {other, 0, ""}};
  ASSERT_TRUE(consumer_->assign(both).ok());
  RecordBatch batch;
  while (batch.empty()) {
    ASSERT_TRUE(consumer_->poll(other, {}, batch).ok());
    if (batch.empty()) consumer_->wait(30s);
  }
  EXPECT_EQ(batch.records().front().key, "k");
  EXPECT_EQ(batch.records().front().value, "v");
  EXPECT_THAT(poll(), ElementsAre("line"));
}

}  // namespace
}  // namespace millrace
