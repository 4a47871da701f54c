#include <fmt/format.h>

#include <optional>
#include <string>

#include "millrace/apps/millrace/record_router.h"
#include "millrace/apps/millrace/record_source.h"
#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/number_text.h"
#include "millrace/apps/program/progress.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/signals.h"
#include "millrace/apps/program/topic_writer.h"

namespace millrace::tool {
namespace {

struct LoadOptions {
  static constexpr int kAll = -1;
  BrokerOptions broker;
  std::string topic;
  int partitions = 0;  // 0: as the topic has; 1 if it is created
  int partition = kAll;
  bool if_empty = false;
  std::string partitioner;
  std::string key_field;
  std::string format = "lines";
  std::string compression = "lz4";
  std::string file;
};

Framing framing(const LoadOptions& options) {
  return options.format == "msgpack" ? Framing::kMsgpack : Framing::kLines;
}

Result<Partitioner> choose_partitioner(const LoadOptions& options, const RecordSource& records) {
  const bool keyed = !options.key_field.empty();
  if (options.partition != LoadOptions::kAll && !options.partitioner.empty())
    return Status::invalid(
        "--partition and --partitioner exclude each other: give only one of them");
  const std::string name = !options.partitioner.empty() ? options.partitioner
                           : keyed                      ? "hash"
                                                        : "round-robin";
  if (name == "round-robin") return Partitioner::kRoundRobin;
  if (name == "hash") {
    if (keyed) return Partitioner::kHash;
    return Status::invalid(
        "--partitioner hash needs --key-field: the field whose value chooses the partition");
  }
  if (records.size()) return Partitioner::kContiguous;
  return Status::invalid(fmt::format(
      "--partitioner contiguous needs a regular file to cut into stretches, '{}' is none",
      options.file));
}

// Moves records to the topic until the end or a stop.
class Load {
 public:
  Load(RecordSource& records, RecordRouter& router, TopicWriter& writer, const LoadOptions& options)
      : records_{records}, router_{router}, writer_{writer}, options_{options} {}

  Result<RecordSource::More> run() {
    while (true) {
      const Result<RecordSource::More> more = records_.fill();
      if (!more.ok() || *more != RecordSource::More::kRecords) return more;
      std::string_view value;
      while (records_.next(value)) {
        const Status status = send(value);
        if (status.code() == StatusCode::kRetry) return RecordSource::More::kStopped;
        MILLRACE_RETURN_IF_ERROR(status);
      }
      writer_.serve();
    }
  }

 private:
  Status send(std::string_view value) {
    const Route route = router_.route(value, records_.record_offset());
    OutgoingRecord record;
    record.topic = options_.topic;
    record.partition =
        options_.partition == LoadOptions::kAll ? route.partition : options_.partition;
    record.key = route.key;
    record.value = value;
    return writer_.write(record, records_.offset());
  }

  RecordSource& records_;
  RecordRouter& router_;
  TopicWriter& writer_;
  const LoadOptions& options_;
};

// The topic's number of partitions; 0 if it is to be left as it is.
Result<std::int32_t> open_topic(Admin& admin, const LoadOptions& options) {
  const Result<std::int32_t> partitions = provide_topic(admin, options.topic, options.partitions);
  MILLRACE_RETURN_IF_ERROR(partitions.status());
  if (options.partition >= *partitions) {
    return Status::invalid(
        fmt::format("--partition {} does not exist: topic '{}' has {} partition{}, counted from 0",
                    options.partition, options.topic, *partitions, *partitions == 1 ? "" : "s"));
  }
  if (!options.if_empty) return *partitions;
  const Result<bool> holds = holds_records(admin, options.topic);
  MILLRACE_RETURN_IF_ERROR(holds.status());
  return *holds ? 0 : *partitions;
}

// Lines can be counted by other tools, MessagePack cannot.
std::string how_to_load_the_rest(const LoadOptions& options, std::int64_t loaded) {
  if (framing(options) != Framing::kLines) return {};
  return fmt::format("; to load that: tail -n +{} FILE | millrace load ... -", loaded + 1);
}

Status load_file(const LoadOptions& options) {
  const StopSignal stop;
  const Result<std::unique_ptr<RecordSource>> records =
      RecordSource::open(options.file, framing(options), stop.fd());
  MILLRACE_RETURN_IF_ERROR(records.status());
  const Result<Partitioner> partitioner = choose_partitioner(options, **records);
  MILLRACE_RETURN_IF_ERROR(partitioner.status());

  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(options.broker, Session::Missing::kCreate));
  const Result<std::int32_t> partitions = open_topic(session.admin(), options);
  MILLRACE_RETURN_IF_ERROR(partitions.status());
  if (*partitions == 0) {
    return write_output(
        fmt::format("topic '{}' holds records already: nothing was loaded\n", options.topic));
  }
  ProducerOptions producer_options;
  producer_options.client_id = "millrace-load";
  producer_options.compression = options.compression;
  const Result<std::unique_ptr<Producer>> producer = session.broker().producer(producer_options);
  MILLRACE_RETURN_IF_ERROR(producer.status());

  RecordRouter router{*partitioner, *partitions, options.key_field, framing(options),
                      (*records)->size().value_or(0)};
  Progress progress{
      session.terminal(), session.clock(), {"load", "records", (*records)->size(), std::nullopt}};
  TopicWriter writer{**producer, progress, stop};
  const Result<RecordSource::More> outcome = Load{**records, router, writer, options}.run();
  MILLRACE_RETURN_IF_ERROR(writer.flush());
  if (!outcome.ok() || *outcome == RecordSource::More::kStopped)
    return Status::failed(fmt::format("{}: {} records are in topic '{}', the rest is not{}",
                                      outcome.ok() ? "interrupted" : outcome.status().message(),
                                      with_thousands(writer.records()), options.topic,
                                      how_to_load_the_rest(options, writer.records())));
  const double megabytes = static_cast<double>((*records)->offset()) / 1e6;
  std::string text = fmt::format(
      "loaded {} records, {:.1f} MB, into topic '{}' ({} partition{}) in {:.1f} s: {:.1f} MB/s\n",
      with_thousands(writer.records()), megabytes, options.topic, *partitions,
      *partitions == 1 ? "" : "s", progress.seconds(),
      megabytes / std::max(progress.seconds(), 0.001));
  if (router.without_key() > 0) {
    text += fmt::format(
        "{} records have no text field '{}': they went without a key, in turn to all partitions\n",
        with_thousands(router.without_key()), options.key_field);
  }
  return write_output(text);
}

}  // namespace

int load(int argc, char** argv) {
  LoadOptions targets;
  Options options{
      {"millrace load",
       kVersion,
       "Writes the lines of a file, or of standard input (-), to a topic: one record a line, "
       "ending in LF or CRLF; or its MessagePack values. The topic is created if there is none.",
       {{"millrace load --broker embedded:demo --topic frames --partitions 4 frames.jsonl",
         "lines go to the four partitions in turn"},
        {"zcat frames.jsonl.gz | millrace load --broker localhost:9092 --topic frames --key-field "
         "uid -",
         "equal users go to the same partition"}}}};
  declare_broker_options(options, targets.broker);
  options.heading("Records");
  options.add("topic", targets.topic, "topic to write").value_name("TOPIC").required();
  options
      .add("format", targets.format,
           "lines: one record a line; msgpack: MessagePack values, one behind the other, each a "
           "record")
      .one_of({"lines", "msgpack"});
  options.add("partitions", targets.partitions, "number of partitions of a topic that is created")
      .range(1, 100'000)
      .default_text("1");
  options
      .add("partitioner", targets.partitioner,
           "round-robin: line by line in turn; hash: by the key, as Java clients do; contiguous: "
           "the file cut into as many "
           "stretches as there are partitions")
      .one_of({"round-robin", "hash", "contiguous"})
      .default_text("round-robin, with --key-field hash");
  options.add("partition", targets.partition, "write all lines to this one partition")
      .range(0, 100'000)
      .value_name("P")
      .default_text("as --partitioner says");
  options
      .add("key-field", targets.key_field,
           "text field at the root of a JSON or MessagePack record that becomes its key")
      .value_name("NAME");
  options.add("compression", targets.compression, "of batches")
      .one_of({"none", "lz4", "zstd", "snappy", "gzip"});
  options.add("if-empty", targets.if_empty,
              "load nothing, and end well, if the topic holds records already");
  options.add_positional("FILE", targets.file, "file to read; - is standard input").required();
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, load_file(targets));
}

}  // namespace millrace::tool
