#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/apps/integers/integer_generator.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/number_text.h"
#include "millrace/apps/program/options.h"
#include "millrace/apps/program/progress.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/signals.h"
#include "millrace/apps/program/stream_options.h"
#include "millrace/apps/program/topic_writer.h"

namespace millrace {
namespace {

constexpr double kUnset = -1;

struct Arguments {
  BrokerOptions broker;
  std::string topic = "data-input";
  std::string compression = "lz4";
  double skew = kUnset;
  bool if_empty = false;
  IntegerOptions integers;
};

void declare(Options& options, Arguments& line) {
  declare_broker_options(options, line.broker);
  options.heading("Topic");
  options
      .add("topic", line.topic, "topic to write; it is created if there is none, and must be empty")
      .value_name("TOPIC");
  options.add("partitions", line.integers.partitions, "number of its partitions").range(1, 100'000);
  options.add("if-empty", line.if_empty,
              "write nothing, and end well, if the topic holds records already");
  options.add("compression", line.compression, "of batches")
      .one_of({"none", "lz4", "zstd", "snappy", "gzip"});
  options.heading("Integers");
  options.add("count", line.integers.count, "integers to write, in all partitions together")
      .range(1, static_cast<double>(AscendingIntegers::kMaxCount))
      .required();
  options.add("seed", line.integers.seed,
              "the same seed gives the same integers, another one others");
  options
      .add("max-value", line.integers.max_value,
           "each partition spans 0 to this; a small one gives many equal integers")
      .range(0, 9e18);
  options
      .add("skew", line.skew,
           "share of partition 0 in all integers: 0.9 is 90 %, 1 leaves the others empty, 0 "
           "leaves it empty itself")
      .range(0, 1)
      .value_name("SHARE")
      .default_text("the same for all");
}

// The decimal text of each integer as a record's value, without a key.
Status write_all(IntegerGenerator& generator, const std::string& topic, TopicWriter& writer) {
  OutgoingRecord record;
  record.topic = topic;
  std::int64_t bytes = 0;
  for (PartitionedInteger integer; generator.next(integer);) {
    const fmt::format_int digits{integer.value};
    record.partition = integer.partition;
    record.value = std::string_view{digits.data(), digits.size()};
    bytes += static_cast<std::int64_t>(digits.size());
    MILLRACE_RETURN_IF_ERROR(writer.write(record, bytes));
  }
  return {};
}

std::string summary(const Arguments& line, std::int64_t records, double seconds) {
  return fmt::format("wrote {} integers into topic '{}' ({} partition{}) in {:.1f} s: {}/s\n",
                     with_thousands(records), line.topic, line.integers.partitions,
                     line.integers.partitions == 1 ? "" : "s", seconds,
                     with_thousands(static_cast<std::int64_t>(static_cast<double>(records) /
                                                              std::max(seconds, 0.001))));
}

// A run that was broken off leaves a part, which nothing can be added to.
Status check_complete(Admin& admin, const Arguments& line) {
  const Result<TopicDescription> topic = admin.describe_topic(line.topic);
  MILLRACE_RETURN_IF_ERROR(topic.status());
  const Result<std::vector<OffsetRange>> ranges = offset_ranges(admin, partitions_of(*topic));
  MILLRACE_RETURN_IF_ERROR(ranges.status());
  std::int64_t records = 0;
  for (const OffsetRange& range : *ranges) records += range.end - range.first;
  if (records < line.integers.count) {
    return Status::failed(fmt::format(
        "topic '{}' holds {} of {} integers: it was not filled to the end; delete it and try again",
        line.topic, with_thousands(records), with_thousands(line.integers.count)));
  }
  return write_output(
      fmt::format("topic '{}' holds records already: nothing was written\n", line.topic));
}

Status write_integers(const Arguments& line) {
  const StopSignal stop;
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(line.broker, Session::Missing::kCreate));
  MILLRACE_RETURN_IF_ERROR(
      provide_topic(session.admin(), line.topic, line.integers.partitions).status());
  const Result<bool> holds = holds_records(session.admin(), line.topic);
  MILLRACE_RETURN_IF_ERROR(holds.status());
  if (*holds && line.if_empty) return check_complete(session.admin(), line);
  if (*holds) {
    return Status::failed(fmt::format(
        "topic '{}' holds records already, and more would not ascend behind them: choose another "
        "topic, delete this one, or say --if-empty",
        line.topic));
  }
  ProducerOptions options;
  options.client_id = "integers";
  options.compression = line.compression;
  const Result<std::unique_ptr<Producer>> producer = session.broker().producer(options);
  MILLRACE_RETURN_IF_ERROR(producer.status());

  IntegerGenerator generator{line.integers};
  Progress progress{
      session.terminal(), session.clock(), {"integers", "integers", {}, line.integers.count}};
  TopicWriter writer{**producer, progress, stop};
  const Status written = write_all(generator, line.topic, writer);
  MILLRACE_RETURN_IF_ERROR(writer.flush());
  if (written.code() == StatusCode::kRetry) {
    return Status::failed(fmt::format(
        "interrupted: {} integers are in topic '{}', the rest is not; delete it and try again",
        with_thousands(writer.records()), line.topic));
  }
  MILLRACE_RETURN_IF_ERROR(written);
  return write_output(summary(line, writer.records(), progress.seconds()));
}

int run(int argc, char** argv) {
  Arguments line;
  Options options{
      {"integers",
       kVersion,
       "Fills a topic with decimal integers, ascending in each partition: the input of "
       "sorted_merge.",
       {{"integers --broker localhost:9092 --topic data-input --partitions 10 --count 10000000",
         "ten partitions of a million each"},
        {"integers --broker embedded:demo --count 1000000 --skew 0.9 --seed 7",
         "one partition has 90 % of them"}}}};
  declare(options, line);
  if (const std::optional<int> code = options.parse_main(argc, argv)) return *code;
  if (line.skew != kUnset && line.integers.partitions == 1)
    return report(options.info().name,
                  Status::invalid("--skew needs --partitions 2 or more: one has all integers"));
  if (line.skew != kUnset) line.integers.skew = line.skew;
  return report(options.info().name, write_integers(line));
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::run(argc, argv); }
