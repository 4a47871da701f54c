#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/embedded/sticky_assignment.h"
#include "millrace/framework/embedded/storage.h"
#include "millrace/framework/embedded/topic_registry.h"

namespace millrace::embedded {

/// Credentials of a member in one generation.
class EmbeddedGroupMetadata final : public GroupMetadata {
 public:
  EmbeddedGroupMetadata(std::string group_name, std::string member_name,
                        std::int32_t generation_number)
      : group(std::move(group_name)),
        member(std::move(member_name)),
        generation(generation_number) {}

  const std::string group;
  const std::string member;
  const std::int32_t generation;
};

/// What a member is told when it serves.
struct MemberView {
  std::int32_t generation = 0;
  std::vector<OwnedPartition> owned;  ///< sorted
};

/// Groups: members, generations, who owns what, committed offsets. Thread-safe.
///
/// Every change of membership raises the generation at once; credentials of an older one are
/// refused. A partition that moves takes two rounds: its owner is told that it is gone; when the
/// owner serves again, having let go of it, or falls out of the group, the generation rises once
/// more and the new owner gets it. A static owner that restarts in between leaves it without one
/// until the generation rises again, as on Kafka. A group begins with its first member and ends
/// with remove(); one that never had an offset committed also ends with the process.
class GroupCoordinator {
 public:
  GroupCoordinator(const TopicRegistry& topics, Clock& clock, Storage* storage)
      : topics_(topics), clock_(clock), storage_(storage) {}

  /// Reads the committed offsets that the directory holds.
  Status load();

  /// Adds a member and returns its id. A member with the same group_instance_id is fenced and its
  /// partitions pass on. kFailed if the group's members read other topics.
  Result<std::string> join(const ConsumerOptions& options,
                           const std::set<std::string>& lead_topics);
  /// A sign of life. None: the member is not (any more) in the group. kFenced: its instance id has
  /// another holder.
  Result<std::optional<MemberView>> serve(const std::string& group, const std::string& member);
  void leave(const std::string& group, const std::string& member);

  /// Committed offsets, in the order asked; kRetry while a transaction is pending that carries one
  /// of them.
  Result<std::vector<PartitionOffset>> committed(const std::string& group,
                                                 std::span<const TopicPartition> partitions);
  /// Commits offsets without a transaction. kAbort: credentials not of the present generation.
  Status commit(const EmbeddedGroupMetadata& credentials, std::span<const PartitionOffset> offsets);
  /// Announces offsets of an open transaction; each call is settled once. kAbort: credentials not
  /// of the present generation.
  Status add_pending(const EmbeddedGroupMetadata& credentials,
                     std::span<const PartitionOffset> offsets);
  /// Ends what add_pending() began: `committed` offsets become the group's.
  void settle(const std::string& group, std::span<const PartitionOffset> offsets, bool committed);

  std::vector<std::string> list();
  GroupDescription describe(const std::string& group);
  std::vector<PartitionOffset> offsets(const std::string& group);
  /// kNotFound, kFailed while it has members or pending offsets.
  Status remove(const std::string& group);
  /// Drops the committed offsets of a topic that is deleted.
  Status forget_topic(const std::string& topic);

 private:
  struct Holding {
    std::uint64_t acquired = 0;
    bool revoked = false;  ///< shall go elsewhere
    bool told = false;     ///< ... and the owner has seen that
  };
  struct Member {
    std::string client_id;
    std::string instance_id;
    std::int64_t session_timeout_ms = 0;
    std::int64_t last_seen_ms = 0;
    std::int32_t generation = 0;  ///< the last one it was told
    std::map<TopicPartition, Holding> holdings;
  };
  struct Group {
    std::int32_t generation = 0;
    std::set<std::string> lead_topics;
    std::map<std::string, Member> members;
    std::set<std::string> fenced;  ///< members whose instance id was taken over
    Assignment target;
    std::map<TopicPartition, PartitionOffset> offsets;
    std::map<TopicPartition, int> pending;
  };

  Group* find(const std::string& name);
  Result<Group*> check(const EmbeddedGroupMetadata& credentials);
  void expire(Group& group);
  void rebalance(Group& group);
  void grant(Group& group);
  void take_over(Group& group, const std::string& from, const std::string& to, Member member);

  const TopicRegistry& topics_;
  Clock& clock_;
  Storage* const storage_;
  std::mutex mutex_;
  std::map<std::string, Group> groups_;
  std::uint64_t next_member_ = 1;
  std::uint64_t acquisitions_ = 0;
};

}  // namespace millrace::embedded
