#include <fmt/format.h>

#include <string>
#include <vector>

#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/number_text.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/signals.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace::tool {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::size_t kOutputBytes = 1 << 20;
constexpr std::chrono::milliseconds kWait = 1000ms;

struct CatOptions {
  BrokerOptions broker;
  std::string topic;
  bool until_end = false;
  bool json = false;
};

void append_text(std::string_view name, std::string_view text, JsonWriter& writer) {
  writer.key(name);
  if (text.data() == nullptr) {
    writer.null();
  } else {
    writer.string(text);
  }
}

void append_json(std::int32_t partition, const RecordView& record, std::string& out) {
  JsonWriter writer{out};
  writer.begin_object()
      .key("partition")
      .integer(partition)
      .key("offset")
      .integer(record.offset)
      .key("timestamp");
  if (record.timestamp_ms == RecordView::kNoTimestamp) {
    writer.null();
  } else {
    writer.integer(record.timestamp_ms);
  }
  append_text("key", record.key, writer);
  append_text("value", record.value, writer);
  if (!record.headers.empty()) {
    writer.key("headers").begin_object();
    for (const Header& header : record.headers) append_text(header.name, header.value, writer);
    writer.end_object();
  }
  writer.end_object();
  out += '\n';
}

// Prints partitions of a topic through one consumer without a group.
class Cat {
 public:
  Cat(Consumer& consumer, bool json) : consumer_{consumer}, json_{json} {}

  // Prints each partition to the end it has now, one after the other, so that the same topic gives
  // the same output.
  Status print_until_end(const std::vector<TopicPartition>& partitions,
                         const std::vector<OffsetRange>& ranges, const StopSignal& stop) {
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      MILLRACE_RETURN_IF_ERROR(assign(partitions[i], ranges[i].first));
      while (consumer_.position(partitions[i]) < ranges[i].end) {
        if (stop.requested()) return interrupted();
        MILLRACE_RETURN_IF_ERROR(print_some(partitions[i], ranges[i].end));
        if (batch_.empty()) MILLRACE_RETURN_IF_ERROR(pause());
      }
      MILLRACE_RETURN_IF_ERROR(consumer_.unassign(std::span{&partitions[i], 1}));
    }
    return flush();
  }

  Status follow(const std::vector<TopicPartition>& partitions,
                const std::vector<OffsetRange>& ranges, const StopSignal& stop) {
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      MILLRACE_RETURN_IF_ERROR(assign(partitions[i], ranges[i].first));
    }
    while (!stop.requested()) {
      bool idle = true;
      for (const TopicPartition& partition : partitions) {
        MILLRACE_RETURN_IF_ERROR(print_some(partition, std::numeric_limits<std::int64_t>::max()));
        idle = idle && batch_.empty();
      }
      if (idle) MILLRACE_RETURN_IF_ERROR(pause());
    }
    return flush();
  }

  std::int64_t records() const { return records_; }

 private:
  Status assign(const TopicPartition& partition, std::int64_t offset) {
    const PartitionOffset start{partition, offset, {}};
    return consumer_.assign(std::span{&start, 1});
  }

  Status print_some(const TopicPartition& partition, std::int64_t end) {
    batch_.reset();
    MILLRACE_RETURN_IF_ERROR(tolerate(consumer_.serve()));
    MILLRACE_RETURN_IF_ERROR(tolerate(consumer_.poll(partition, {}, batch_)));
    for (const RecordView& record : batch_.records()) {
      if (record.offset >= end) break;
      ++records_;
      if (json_) {
        append_json(partition.partition, record, out_);
      } else {
        out_ += record.value;
        out_ += '\n';
      }
    }
    return out_.size() < kOutputBytes ? Status{} : flush();
  }

  Status interrupted() {
    MILLRACE_RETURN_IF_ERROR(flush());
    return Status::failed(fmt::format("interrupted; records printed: {}; the rest was not",
                                      with_thousands(records_)));
  }

  // Nothing is there: what was read so far becomes visible before waiting.
  Status pause() {
    MILLRACE_RETURN_IF_ERROR(flush());
    consumer_.wait(kWait);
    return {};
  }

  Status flush() {
    const Status status = write_output(out_);
    out_.clear();
    return status;
  }

  // A broker that is away for now comes back; the client keeps trying.
  static Status tolerate(const Status& status) {
    return status.code() == StatusCode::kRetry ? Status{} : status;
  }

  Consumer& consumer_;
  const bool json_;
  RecordBatch batch_;
  std::string out_;
  std::int64_t records_ = 0;
};

Status cat_topic(const CatOptions& options) {
  StopSignal stop;
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(options.broker, Session::Missing::kRefuse));
  const Result<TopicDescription> topic = session.admin().describe_topic(options.topic);
  MILLRACE_RETURN_IF_ERROR(topic.status());
  const std::vector<TopicPartition> partitions = partitions_of(*topic);
  const Result<std::vector<OffsetRange>> ranges = offset_ranges(session.admin(), partitions);
  MILLRACE_RETURN_IF_ERROR(ranges.status());

  ConsumerOptions consumer_options;
  consumer_options.client_id = "millrace-cat";
  const Result<std::unique_ptr<Consumer>> consumer = session.broker().consumer(consumer_options);
  MILLRACE_RETURN_IF_ERROR(consumer.status());
  stop.on_request([&] { (*consumer)->wakeup(); });
  Cat cat{**consumer, options.json};
  const Status printed = options.until_end ? cat.print_until_end(partitions, *ranges, stop)
                                           : cat.follow(partitions, *ranges, stop);
  stop.on_request({});
  MILLRACE_RETURN_IF_ERROR(printed);
  if (!options.until_end)
    session.terminal().line(fmt::format("millrace cat: stopped as asked; records printed: {}",
                                        with_thousands(cat.records())));
  return (*consumer)->close();
}

}  // namespace

int cat(int argc, char** argv) {
  CatOptions targets;
  Options options{{"millrace cat",
                   kVersion,
                   "Prints the committed records of a topic, values as lines, and goes on with "
                   "what arrives until Ctrl-C.",
                   {{"millrace cat --broker localhost:9092 --topic results --until-end",
                     "what is there now, partition by partition"},
                    {"millrace cat --broker embedded:demo --topic results --json",
                     "with partition, offset, timestamp and key"}}}};
  declare_broker_options(options, targets.broker);
  options.heading("Records");
  options.add("topic", targets.topic, "topic to read").value_name("TOPIC").required();
  options.add("until-end", targets.until_end, "stop at what is the end now");
  options.add("json", targets.json,
              "one JSON object per record: partition, offset, timestamp (Unix ms), key, value, "
              "headers; bytes that are not UTF-8 become U+FFFD");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, cat_topic(targets));
}

}  // namespace millrace::tool
