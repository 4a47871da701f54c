#include <fmt/format.h>

#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/topic_writer.h"

namespace millrace::tool {
namespace {

Status create_topic(const BrokerOptions& broker, const TopicSpec& topic, bool if_missing) {
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(broker, Session::Missing::kCreate));
  const Status created = session.admin().create_topic(topic);
  if (if_missing && created.code() == StatusCode::kExists) {
    MILLRACE_RETURN_IF_ERROR(provide_topic(session.admin(), topic.name, topic.partitions).status());
    return write_output(fmt::format("topic '{}' is there already\n", topic.name));
  }
  MILLRACE_RETURN_IF_ERROR(created);
  return write_output(fmt::format("created topic '{}' with {} partition{}\n", topic.name,
                                  topic.partitions, topic.partitions == 1 ? "" : "s"));
}

}  // namespace

int create(int argc, char** argv) {
  BrokerOptions broker;
  TopicSpec topic;
  bool if_missing = false;
  Options options{{"millrace create",
                   kVersion,
                   "Creates a topic.",
                   {{"millrace create --broker localhost:9092 --topic frames --partitions 4",
                     "four partitions"},
                    {"millrace create --broker localhost:9092 --topic users --partitions 4 --set "
                     "cleanup.policy=compact",
                     "with a configuration of its own"}}}};
  declare_broker_options(options, broker);
  options.heading("Topic");
  options.add("topic", topic.name, "its name").value_name("TOPIC").required();
  options.add("partitions", topic.partitions, "number of partitions").range(1, 100'000).required();
  options.add("replication", topic.replication, "copies of each partition")
      .range(1, 1000)
      .default_text("the broker's default");
  options.add_properties("set", topic.configs, "a configuration of the topic, as retention.ms=-1");
  options.add("if-missing", if_missing,
              "end well if the topic is there already, with so many partitions");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, create_topic(broker, topic, if_missing));
}

}  // namespace millrace::tool
