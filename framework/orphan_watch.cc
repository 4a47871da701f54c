#include "millrace/framework/orphan_watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace millrace {
namespace {

constexpr std::int64_t kLongestVisitMs = 120'000;  // a rebalance waits for a member that is stuck

/// Of several static members one is enough.
bool is_first(const GroupDescription& group, const std::string& instance_id) {
  return std::ranges::none_of(group.members, [&](const GroupMember& member) {
    return !member.instance_id.empty() && member.instance_id < instance_id;
  });
}

std::string names(const std::vector<TopicPartition>& partitions) {
  std::vector<std::string> each;
  for (const TopicPartition& partition : partitions)
    each.push_back(fmt::format("{}-{}", partition.topic, partition.partition));
  return fmt::format("{}", fmt::join(each, ", "));
}

}  // namespace

OrphanWatch::OrphanWatch(Broker& broker, LogSink& log, ConsumerOptions member,
                         std::map<std::string, std::int32_t> leads)
    : broker_(broker), log_(log), member_(std::move(member)), leads_(std::move(leads)) {}

void OrphanWatch::turn(const Membership& membership, std::int64_t now_ms) {
  if (bystander_) return attend_bystander(now_ms);
  if (!membership.joined || membership.version != version_) {
    version_ = membership.version;
    last_ms_ = now_ms;
    found_.clear();
    return;
  }
  if (now_ms - last_ms_ < member_.session_timeout.count()) return;
  last_ms_ = now_ms;
  std::vector<TopicPartition> found = orphans();
  const bool again = !found.empty() && found == found_;
  found_ = std::move(found);
  if (!again) return;
  log_.write(LogLevel::kWarning,
             "nobody works on these partitions: a static member died while it gave them up; making "
             "the group deal anew",
             {{"group", member_.group_id}, {"partitions", names(found_)}});
  found_.clear();
  if (const Status sent = send_bystander(now_ms); !sent.ok()) {
    log_.write(LogLevel::kWarning, "could not make the group deal anew, trying again later",
               {{"group", member_.group_id}, {"error", sent.message()}});
    stop();
  }
}

/// What no member owns, if this one is to care; empty while the group is busy or cannot be asked.
std::vector<TopicPartition> OrphanWatch::orphans() {
  const auto group = broker_.admin().describe_group(member_.group_id);
  if (!group.ok() || group->state != "Stable" || !is_first(*group, member_.group_instance_id))
    return {};
  std::set<TopicPartition> owned;
  for (const GroupMember& member : group->members)
    owned.insert(member.partitions.begin(), member.partitions.end());
  std::vector<TopicPartition> result;
  for (const auto& [topic, partitions] : leads_)
    for (std::int32_t i = 0; i < partitions; ++i)
      if (const TopicPartition lead{topic, i}; !owned.contains(lead)) result.push_back(lead);
  return result;
}

Status OrphanWatch::send_bystander(std::int64_t now_ms) {
  ConsumerOptions options = member_;
  options.group_instance_id.clear();
  auto consumer = broker_.consumer(options);
  if (!consumer.ok()) return consumer.status();
  bystander_ = std::move(*consumer);
  sent_ms_ = now_ms;
  std::vector<std::string> topics;  // the same as all others: librdkafka 2.0.2 spins on differing
  for (const auto& [topic, partitions] : leads_) topics.push_back(topic);
  return bystander_->subscribe(topics);
}

/// Its work is done once it is a member: the group has dealt anew, and does again when it leaves.
void OrphanWatch::attend_bystander(std::int64_t now_ms) {
  const Status served = bystander_->serve();
  const bool failed = !served.ok() && served.code() != StatusCode::kRetry;
  if (failed || now_ms - sent_ms_ > kLongestVisitMs)
    log_.write(LogLevel::kWarning, "could not make the group deal anew, trying again later",
               {{"group", member_.group_id},
                {"error", failed ? served.message() : "the bystander did not become a member"}});
  else if (!bystander_->membership().joined)
    return;
  stop();
  last_ms_ = now_ms;
}

void OrphanWatch::stop() {
  if (!bystander_) return;
  if (const Status closed = bystander_->close(); !closed.ok())
    log_.write(LogLevel::kInfo, "a bystander could not leave the group",
               {{"group", member_.group_id}, {"error", closed.message()}});
  bystander_.reset();
}

}  // namespace millrace
