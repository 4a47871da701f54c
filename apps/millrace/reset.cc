#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "millrace/apps/millrace/subcommands.h"
#include "millrace/apps/program/exit_code.h"
#include "millrace/apps/program/session.h"
#include "millrace/apps/program/state_directory.h"
#include "millrace/framework/instance_directory.h"

namespace millrace::tool {
namespace {

namespace fs = std::filesystem;

struct ResetOptions {
  BrokerOptions broker;
  std::string application_id;
  std::string state_dir;
  bool yes = false;
};

// What an application keeps.
struct Remains {
  std::string group;  // empty: none
  std::vector<PartitionOffset> offsets;
  std::vector<std::string> topics;
  fs::path directory;  // empty: none

  bool none() const { return group.empty() && topics.empty() && directory.empty(); }
};

bool is_internal_topic(const std::string& topic, const std::string& application_id) {
  return topic.starts_with(application_id + "-") &&
         (topic.ends_with("-changelog") || topic.ends_with("-repartition") ||
          topic.ends_with("-gather") || topic == instances_topic(application_id));
}

// Whether another application with a longer id ("app-two" beside "app") can claim the topic.
bool belongs_to_longer_id(const std::string& topic, const std::string& application_id,
                          const std::vector<std::string>& groups) {
  return std::any_of(groups.begin(), groups.end(), [&](const std::string& group) {
    return group.starts_with(application_id + "-") && is_internal_topic(topic, group);
  });
}

Status refuse_live_members(const GroupDescription& group) {
  if (group.members.empty()) return {};
  std::string clients;
  for (const GroupMember& member : group.members) {
    clients += fmt::format("{}{}@{}", clients.empty() ? "" : ", ", member.client_id, member.host);
  }
  return Status::failed(fmt::format("application '{}' has {} live member{} ({}): stop {} first",
                                    group.group_id, group.members.size(),
                                    group.members.size() == 1 ? "" : "s", clients,
                                    group.members.size() == 1 ? "it" : "them"));
}

Result<Remains> find_remains(Admin& admin, const ResetOptions& options) {
  Remains remains;
  const Result<std::vector<std::string>> groups = admin.list_groups();
  MILLRACE_RETURN_IF_ERROR(groups.status());
  if (std::find(groups->begin(), groups->end(), options.application_id) != groups->end()) {
    const Result<GroupDescription> group = admin.describe_group(options.application_id);
    MILLRACE_RETURN_IF_ERROR(group.status());
    MILLRACE_RETURN_IF_ERROR(refuse_live_members(*group));
    Result<std::vector<PartitionOffset>> offsets = admin.group_offsets(options.application_id);
    MILLRACE_RETURN_IF_ERROR(offsets.status());
    remains.group = options.application_id;
    remains.offsets = *std::move(offsets);
  }
  const Result<std::vector<TopicDescription>> topics = admin.list_topics();
  MILLRACE_RETURN_IF_ERROR(topics.status());
  for (const TopicDescription& topic : *topics) {
    if (is_internal_topic(topic.name, options.application_id) &&
        !belongs_to_longer_id(topic.name, options.application_id, *groups)) {
      remains.topics.push_back(topic.name);
    }
  }
  std::sort(remains.topics.begin(), remains.topics.end());
  const fs::path directory = application_directory(options.state_dir, options.application_id);
  std::error_code ignored;  // what cannot be looked at does not exist
  if (fs::is_directory(directory, ignored)) remains.directory = directory;
  return remains;
}

std::string describe(const Remains& remains) {
  std::string out;
  if (!remains.group.empty()) {
    out += fmt::format("offsets of group '{}': {} partition{}\n", remains.group,
                       remains.offsets.size(), remains.offsets.size() == 1 ? "" : "s");
  }
  for (const std::string& topic : remains.topics) out += fmt::format("topic '{}'\n", topic);
  if (!remains.directory.empty())
    out += fmt::format("state directory '{}'\n", remains.directory.string());
  return out;
}

Result<bool> confirmed(const ResetOptions& options) {
  if (options.yes) return true;
  if (isatty(STDIN_FILENO) != 1) {
    return Status::invalid("nothing was removed: there is no terminal to ask at, so say --yes");
  }
  fmt::print(stderr, "Remove all of this? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// The group goes first: the broker refuses if a member has joined meanwhile, and then nothing is
// gone.
Status remove(Admin& admin, const Remains& remains) {
  if (!remains.group.empty()) MILLRACE_RETURN_IF_ERROR(admin.delete_group(remains.group));
  for (const std::string& topic : remains.topics)
    MILLRACE_RETURN_IF_ERROR(admin.delete_topic(topic));
  if (remains.directory.empty()) return {};
  std::error_code error;
  fs::remove_all(remains.directory, error);
  if (!error) return {};
  return Status::failed(fmt::format("cannot remove state directory '{}': {}",
                                    remains.directory.string(), error.message()));
}

Status reset_application(const ResetOptions& options) {
  MILLRACE_RETURN_IF_ERROR(check_application_id(options.application_id));
  Session session;
  MILLRACE_RETURN_IF_ERROR(session.open(options.broker, Session::Missing::kRefuse));
  const Result<Remains> remains = find_remains(session.admin(), options);
  MILLRACE_RETURN_IF_ERROR(remains.status());
  if (remains->none()) {
    return write_output(fmt::format("application '{}' keeps nothing on {}\n",
                                    options.application_id, session.broker().name()));
  }
  MILLRACE_RETURN_IF_ERROR(write_output(describe(*remains)));
  const Result<bool> go = confirmed(options);
  MILLRACE_RETURN_IF_ERROR(go.status());
  if (!*go) return write_output("nothing was removed\n");
  MILLRACE_RETURN_IF_ERROR(remove(session.admin(), *remains));
  return write_output("removed\n");
}

}  // namespace

int reset(int argc, char** argv) {
  ResetOptions targets;
  Options options{{"millrace reset",
                   kVersion,
                   "Removes what an application keeps, so that it starts over: committed offsets, "
                   "internal topics, the state on "
                   "this machine. Lists it first. Input and result topics stay.",
                   {{"millrace reset --broker localhost:9092 --application-id unique-users",
                     "lists, then asks"},
                    {"millrace reset --broker embedded:demo --application-id unique-users --yes",
                     "does not ask"}}}};
  declare_broker_options(options, targets.broker);
  options.heading("Application");
  options
      .add("application-id", targets.application_id,
           "application to reset; none of its copies may run")
      .value_name("NAME")
      .required();
  options.add("state-dir", targets.state_dir, "where its state is kept")
      .value_name("DIR")
      .default_text(default_state_dir().string());
  options.add("yes", targets.yes, "do not ask");
  if (const auto code = options.parse_main(argc, argv)) return *code;
  return report(options.info().name, reset_application(targets));
}

}  // namespace millrace::tool
