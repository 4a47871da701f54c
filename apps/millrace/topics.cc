#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/table.h"

namespace millrace::tool {
namespace {

struct TopicsOptions {
  BrokerOptions broker;
  bool partitions = false;
  bool all = false;
};

// One row per topic; its records are the sum over partitions.
std::string summary_table(const std::vector<TopicDescription>& topics,
                          const std::vector<OffsetRange>& ranges) {
  Table table{{{"TOPIC"}, {"PARTITIONS", Table::Align::kRight}, {"RECORDS", Table::Align::kRight}}};
  std::size_t next = 0;
  for (const TopicDescription& topic : topics) {
    std::int64_t records = 0;
    for (std::int32_t i = 0; i < topic.partitions; ++i, ++next)
      records += ranges[next].end - ranges[next].first;
    table.add({topic.name, std::to_string(topic.partitions), std::to_string(records)});
  }
  return table.text();
}

std::string partition_table(const std::vector<TopicPartition>& partitions,
                            const std::vector<OffsetRange>& ranges) {
  Table table{{{"TOPIC"},
               {"PARTITION", Table::Align::kRight},
               {"FIRST", Table::Align::kRight},
               {"END", Table::Align::kRight},
               {"RECORDS", Table::Align::kRight}}};
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const OffsetRange& range = ranges[i];
    table.add({partitions[i].topic, std::to_string(partitions[i].partition),
               std::to_string(range.first), std::to_string(range.end),
               std::to_string(range.end - range.first)});
  }
  return table.text();
}

Status list_topics(const TopicsOptions& options) {
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(options.broker, Session::Missing::kRefuse));
  Result<std::vector<TopicDescription>> topics = session.admin().list_topics();
  MILLRACE_RETURN_IF_ERROR(topics.status());
  if (!options.all) {
    std::erase_if(*topics,
                  [](const TopicDescription& topic) { return topic.name.starts_with("__"); });
  }
  std::sort(topics->begin(), topics->end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<TopicPartition> partitions;
  for (const TopicDescription& topic : *topics) {
    for (TopicPartition& partition : partitions_of(topic))
      partitions.push_back(std::move(partition));
  }
  const Result<std::vector<OffsetRange>> ranges = offset_ranges(session.admin(), partitions);
  MILLRACE_RETURN_IF_ERROR(ranges.status());
  return write_output(options.partitions ? partition_table(partitions, *ranges)
                                         : summary_table(*topics, *ranges));
}

}  // namespace

int topics(int argc, char** argv) {
  TopicsOptions targets;
  Options options{
      {"millrace topics",
       kVersion,
       "Lists topics with their partitions and records. Records are the offsets in the log: "
       "markers of "
       "transactions and what was compacted away count too.",
       {{"millrace topics --broker localhost:9092", "all topics, one line each"},
        {"millrace topics --broker embedded:demo --partitions", "offsets of every partition"}}}};
  declare_broker_options(options, targets.broker);
  options.heading("What is shown");
  options.add("partitions", targets.partitions,
              "a line per partition, with its first and end offset");
  options.add("all", targets.all, "also the broker's own topics, whose names begin with __");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, list_topics(targets));
}

}  // namespace millrace::tool
