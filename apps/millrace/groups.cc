#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/table.h"

namespace millrace::tool {
namespace {

// What is known of one partition of a group: either side may be missing.
struct PartitionState {
  std::int64_t committed = PartitionOffset::kNone;
  std::string owner;
};

std::string owner_name(const GroupMember& member) {
  const std::string& name = member.instance_id.empty() ? member.client_id : member.instance_id;
  return member.host.empty() ? name : fmt::format("{}@{}", name, member.host);
}

// The end offsets of those partitions that still exist: offsets outlive their topic.
Result<std::map<TopicPartition, std::int64_t>> end_offsets(
    Admin& admin, const std::vector<TopicDescription>& topics,
    const std::map<TopicPartition, PartitionState>& states) {
  std::vector<TopicPartition> existing;
  for (const auto& [partition, state] : states) {
    const bool exists =
        std::any_of(topics.begin(), topics.end(), [&](const TopicDescription& topic) {
          return topic.name == partition.topic && partition.partition < topic.partitions;
        });
    if (exists) existing.push_back(partition);
  }
  std::map<TopicPartition, std::int64_t> ends;
  if (existing.empty()) return ends;
  const Result<std::vector<std::int64_t>> offsets =
      admin.list_offsets(existing, OffsetSpec::kLatest);
  MILLRACE_RETURN_IF_ERROR(offsets.status());
  for (std::size_t i = 0; i < existing.size(); ++i) ends[existing[i]] = (*offsets)[i];
  return ends;
}

Status add_group(Admin& admin, const std::vector<TopicDescription>& topics, const std::string& name,
                 Table& table) {
  const Result<GroupDescription> group = admin.describe_group(name);
  MILLRACE_RETURN_IF_ERROR(group.status());
  const Result<std::vector<PartitionOffset>> offsets = admin.group_offsets(name);
  MILLRACE_RETURN_IF_ERROR(offsets.status());
  std::map<TopicPartition, PartitionState> states;
  for (const PartitionOffset& offset : *offsets) states[offset.partition].committed = offset.offset;
  for (const GroupMember& member : group->members) {
    for (const TopicPartition& partition : member.partitions)
      states[partition].owner = owner_name(member);
  }
  const auto ends = end_offsets(admin, topics, states);
  MILLRACE_RETURN_IF_ERROR(ends.status());

  const std::string members = std::to_string(group->members.size());
  const auto number = [](bool known, std::int64_t value) {
    return known ? std::to_string(value) : std::string{"-"};
  };
  for (const auto& [partition, state] : states) {
    const auto end = ends->find(partition);
    const bool has_end = end != ends->end();
    const bool has_offset = state.committed != PartitionOffset::kNone;
    table.add({name, group->state, members, partition.topic, std::to_string(partition.partition),
               number(has_offset, state.committed), number(has_end, has_end ? end->second : 0),
               number(has_end && has_offset, has_end ? end->second - state.committed : 0),
               state.owner.empty() ? "-" : state.owner});
  }
  if (states.empty()) table.add({name, group->state, members, "-", "-", "-", "-", "-", "-"});
  return {};
}

Status list_groups(const BrokerOptions& broker, const std::string& only) {
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(broker, Session::Missing::kRefuse));
  Result<std::vector<std::string>> names = session.admin().list_groups();
  MILLRACE_RETURN_IF_ERROR(names.status());
  if (!only.empty() && std::find(names->begin(), names->end(), only) == names->end()) {
    return Status::not_found(
        fmt::format("there is no group '{}' on {}", only, session.broker().name()));
  }
  const Result<std::vector<TopicDescription>> topics = session.admin().list_topics();
  MILLRACE_RETURN_IF_ERROR(topics.status());
  std::sort(names->begin(), names->end());
  constexpr auto kRight = Table::Align::kRight;
  Table table{{{"GROUP"},
               {"STATE"},
               {"MEMBERS", kRight},
               {"TOPIC"},
               {"PARTITION", kRight},
               {"COMMITTED", kRight},
               {"END", kRight},
               {"LAG", kRight},
               {"OWNER"}}};
  for (const std::string& name : *names) {
    if (only.empty() || name == only)
      MILLRACE_RETURN_IF_ERROR(add_group(session.admin(), *topics, name, table));
  }
  return write_output(table.text());
}

}  // namespace

int groups(int argc, char** argv) {
  BrokerOptions broker;
  std::string only;
  Options options{{"millrace groups",
                   kVersion,
                   "Lists consumer groups: state, members, and for each partition the committed "
                   "offset, the end of the log "
                   "and how far the one lags behind the other.",
                   {{"millrace groups --broker localhost:9092", "all groups"},
                    {"millrace groups --broker localhost:9092 unique-users", "one group"}}}};
  declare_broker_options(options, broker);
  options.heading("What is shown");
  options.add_positional("GROUP", only, "only this group");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, list_groups(broker, only));
}

}  // namespace millrace::tool
