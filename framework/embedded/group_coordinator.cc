#include "millrace/framework/embedded/group_coordinator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace millrace::embedded {

Status GroupCoordinator::load() {
  return storage_->scan(kOffsetPrefix, [&](std::string_view key, std::string_view value) -> Status {
    const auto name = parse_offset_key(key);
    if (!name.ok()) return name.status();
    const auto stored = decode_offset(value);
    if (!stored.ok()) return stored.status();
    const auto& [group, partition] = *name;
    groups_[group].offsets[partition] = {partition, stored->offset, stored->metadata};
    return {};
  });
}

GroupCoordinator::Group* GroupCoordinator::find(const std::string& name) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return nullptr;
  expire(found->second);
  return &found->second;
}

void GroupCoordinator::expire(Group& group) {
  const std::int64_t now = clock_.monotonic_ms();
  const auto gone = std::erase_if(group.members, [&](const auto& entry) {
    return now - entry.second.last_seen_ms >= entry.second.session_timeout_ms;
  });
  if (gone > 0) rebalance(group);
}

Result<std::string> GroupCoordinator::join(const ConsumerOptions& options,
                                           const std::set<std::string>& lead_topics) {
  const std::lock_guard lock(mutex_);
  Group& group = groups_[options.group_id];
  expire(group);
  if (!group.members.empty() && group.lead_topics != lead_topics)
    return Status::failed(fmt::format(
        "group '{}' reads the topics {}, this member would read {}: stop its members first",
        options.group_id, fmt::join(group.lead_topics, ", "), fmt::join(lead_topics, ", ")));
  group.lead_topics = lead_topics;
  const std::string id = fmt::format(
      "{}-{}", options.client_id.empty() ? "member" : options.client_id, next_member_++);
  Member member{options.client_id,
                options.group_instance_id,
                options.session_timeout.count(),
                clock_.monotonic_ms(),
                0,
                {}};
  const auto former = std::ranges::find_if(group.members, [&](const auto& entry) {
    return !options.group_instance_id.empty() &&
           entry.second.instance_id == options.group_instance_id;
  });
  if (former != group.members.end()) {
    take_over(group, std::string(former->first), id, std::move(member));
  } else {
    group.members.emplace(id, std::move(member));
    rebalance(group);
  }
  return id;
}

/// A static member's successor holds what it held, as fresh acquisitions, in the same generation.
/// As in Kafka that is all: what the former one had been told to give up, and never came back
/// without, belongs to nobody until the group deals anew.
void GroupCoordinator::take_over(Group& group, const std::string& from, const std::string& to,
                                 Member member) {
  const auto former = group.members.find(from);
  for (auto& [partition, holding] : former->second.holdings)
    if (!holding.revoked) member.holdings[partition].acquired = ++acquisitions_;
  for (auto& [partition, owner] : group.target)
    if (owner == from) owner = to;
  const bool moving = member.holdings.size() != former->second.holdings.size();
  const bool told = former->second.generation == group.generation;
  group.fenced.insert(from);
  group.members.erase(former);
  group.members.emplace(to, std::move(member));
  if (!moving || told) return;
  ++group.generation;  // it joins in a rebalance that is under way
  grant(group);
}

void GroupCoordinator::rebalance(Group& group) {
  ++group.generation;
  std::vector<TopicPartition> partitions;
  for (const std::string& name : group.lead_topics)
    if (const auto topic = topics_.find(name); topic != nullptr)
      for (std::int32_t partition = 0; partition < topic->partitions(); ++partition)
        partitions.push_back({name, partition});
  std::vector<std::string> members;
  for (const auto& [id, member] : group.members) members.push_back(id);
  group.target = assign_sticky(partitions, members, group.target);
  for (auto& [id, member] : group.members) {
    for (auto& [partition, holding] : member.holdings) {
      const auto target = group.target.find(partition);
      const bool stays = target != group.target.end() && target->second == id;
      // A revocation that the owner has seen is not taken back: it gets the partition again, as a
      // new acquisition.
      holding.revoked = !stays || holding.told;
    }
  }
  grant(group);
}

/// Gives every partition that nobody holds to the member it is meant for.
void GroupCoordinator::grant(Group& group) {
  std::set<TopicPartition> held;
  for (const auto& [id, member] : group.members)
    for (const auto& [partition, holding] : member.holdings) held.insert(partition);
  for (const auto& [partition, id] : group.target)
    if (!held.contains(partition))
      group.members.at(id).holdings[partition].acquired = ++acquisitions_;
}

Result<std::optional<MemberView>> GroupCoordinator::serve(const std::string& group_id,
                                                          const std::string& id) {
  const std::lock_guard lock(mutex_);
  Group* const group = find(group_id);
  const auto found = group == nullptr ? decltype(group->members.end()){} : group->members.find(id);
  if (group == nullptr || found == group->members.end()) {
    if (group != nullptr && group->fenced.contains(id))
      return Status::fenced(fmt::format(
          "group '{}': another consumer has taken this one's group.instance.id; give every "
          "instance its own",
          group_id));
    return std::optional<MemberView>{};
  }
  Member& member = found->second;
  member.last_seen_ms = clock_.monotonic_ms();
  if (std::erase_if(member.holdings, [](const auto& entry) { return entry.second.told; }) > 0) {
    ++group->generation;
    grant(*group);
  }
  member.generation = group->generation;
  MemberView view;
  view.generation = group->generation;
  for (auto& [partition, holding] : member.holdings) {
    holding.told = holding.revoked;
    if (!holding.revoked) view.owned.push_back({partition, holding.acquired});
  }
  return std::optional<MemberView>(std::move(view));
}

void GroupCoordinator::leave(const std::string& group_id, const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (Group* const group = find(group_id); group != nullptr && group->members.erase(id) > 0)
    rebalance(*group);
}

Result<std::vector<PartitionOffset>> GroupCoordinator::committed(
    const std::string& group_id, std::span<const TopicPartition> partitions) {
  const std::lock_guard lock(mutex_);
  Group* const group = find(group_id);
  std::vector<PartitionOffset> offsets;
  for (const TopicPartition& partition : partitions) {
    offsets.push_back({partition, PartitionOffset::kNone, {}});
    if (group == nullptr) continue;
    if (group->pending.contains(partition))
      return Status::retry(
          fmt::format("group '{}': a transaction with an offset of {}-{} is still open", group_id,
                      partition.topic, partition.partition));
    if (const auto found = group->offsets.find(partition); found != group->offsets.end())
      offsets.back() = found->second;
  }
  return offsets;
}

Result<GroupCoordinator::Group*> GroupCoordinator::check(const EmbeddedGroupMetadata& credentials) {
  Group* const group = find(credentials.group);
  if (group == nullptr || !group->members.contains(credentials.member))
    return Status::abort(fmt::format("group '{}': member '{}' is not in the group",
                                     credentials.group, credentials.member));
  if (group->generation != credentials.generation)
    return Status::abort(fmt::format("group '{}': generation {} is over, the group is at {}",
                                     credentials.group, credentials.generation, group->generation));
  return group;
}

Status GroupCoordinator::commit(const EmbeddedGroupMetadata& credentials,
                                std::span<const PartitionOffset> offsets) {
  const std::lock_guard lock(mutex_);
  const auto group = check(credentials);
  if (!group.ok()) return group.status();
  if (storage_ != nullptr) {
    Storage::Batch batch;
    for (const PartitionOffset& offset : offsets)
      batch.put(offset_key(credentials.group, offset.partition),
                encode(StoredOffset{offset.offset, offset.metadata}));
    MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
  }
  for (const PartitionOffset& offset : offsets) (*group)->offsets[offset.partition] = offset;
  return {};
}

Status GroupCoordinator::add_pending(const EmbeddedGroupMetadata& credentials,
                                     std::span<const PartitionOffset> offsets) {
  const std::lock_guard lock(mutex_);
  const auto group = check(credentials);
  if (!group.ok()) return group.status();
  for (const PartitionOffset& offset : offsets) ++(*group)->pending[offset.partition];
  return {};
}

void GroupCoordinator::settle(const std::string& group_id, std::span<const PartitionOffset> offsets,
                              bool committed) {
  const std::lock_guard lock(mutex_);
  Group& group = groups_.at(group_id);
  for (const PartitionOffset& offset : offsets) {
    if (--group.pending.at(offset.partition) == 0) group.pending.erase(offset.partition);
    if (committed) group.offsets[offset.partition] = offset;
  }
}

std::vector<std::string> GroupCoordinator::list() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (auto& [name, group] : groups_) {
    expire(group);
    names.push_back(name);
  }
  return names;
}

GroupDescription GroupCoordinator::describe(const std::string& group_id) {
  const std::lock_guard lock(mutex_);
  Group* const group = find(group_id);
  GroupDescription description{group_id, "Dead", {}};
  if (group == nullptr) return description;
  description.state = group->members.empty() ? "Empty" : "Stable";
  for (const auto& [id, member] : group->members) {
    GroupMember& shown = description.members.emplace_back();
    shown = {id, member.client_id, member.instance_id, "localhost", {}};
    for (const auto& [partition, holding] : member.holdings) {
      if (holding.revoked)
        description.state = "PreparingRebalance";
      else
        shown.partitions.push_back(partition);
    }
    if (description.state == "Stable" && member.generation != group->generation)
      description.state = "CompletingRebalance";
  }
  return description;
}

std::vector<PartitionOffset> GroupCoordinator::offsets(const std::string& group_id) {
  const std::lock_guard lock(mutex_);
  std::vector<PartitionOffset> offsets;
  if (const auto found = groups_.find(group_id); found != groups_.end())
    for (const auto& [partition, offset] : found->second.offsets) offsets.push_back(offset);
  return offsets;
}

Status GroupCoordinator::remove(const std::string& group_id) {
  const std::lock_guard lock(mutex_);
  Group* const group = find(group_id);
  if (group == nullptr)
    return Status::not_found(fmt::format("group '{}' does not exist", group_id));
  if (!group->members.empty())
    return Status::failed(
        fmt::format("group '{}' has {} members: stop them first", group_id, group->members.size()));
  if (!group->pending.empty())
    return Status::failed(
        fmt::format("group '{}' has offsets in an open transaction: wait for its end", group_id));
  if (storage_ != nullptr) {
    Storage::Batch batch;
    for (const auto& [partition, offset] : group->offsets)
      batch.erase(offset_key(group_id, partition));
    MILLRACE_RETURN_IF_ERROR(storage_->write(batch));
  }
  groups_.erase(group_id);
  return {};
}

Status GroupCoordinator::forget_topic(const std::string& topic) {
  const std::lock_guard lock(mutex_);
  Storage::Batch batch;
  for (auto& [name, group] : groups_) {
    std::erase_if(group.offsets, [&](const auto& entry) {
      if (entry.first.topic != topic) return false;
      batch.erase(offset_key(name, entry.first));
      return true;
    });
  }
  return storage_ == nullptr ? Status{} : storage_->write(batch);
}

}  // namespace millrace::embedded
