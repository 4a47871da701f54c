#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/framework/broker.h"

namespace millrace {

/// Finds partitions that no member of the group owns, and makes the group deal them out again.
///
/// A cooperative rebalance has two rounds: the owner of a partition that is to move gives it up in
/// the first, and it is dealt out in the second, for which that owner asks by joining again. A
/// static member that dies in between and restarts within its session is no change to the group: it
/// gets what it was to keep, nobody asks for the second round, and what it gave up stays without an
/// owner. So every thread of a static member looks at the group now and then, and the one with the
/// smallest instance id sends a bystander: a dynamic member that joins and leaves, which makes the
/// group rebalance. It does no work, and bears the thread's client id, for which nobody takes it
/// for a stranger. One thread.
class OrphanWatch {
 public:
  /// `member`: as whom the thread is in the group. `leads`: the topics that it subscribes to, with
  /// their numbers of partitions. What is borrowed must outlive this object. Destroyed without
  /// stop(), a bystander stays a member until its session ends, as after a crash.
  OrphanWatch(Broker& broker, LogSink& log, ConsumerOptions member,
              std::map<std::string, std::int32_t> leads);

  /// Call in each turn, with the thread's membership. While that does not change it looks at the
  /// group once per session time-out, which blocks as Admin calls do; partitions that it finds
  /// without an owner twice in a row are orphans.
  void turn(const Membership& membership, std::int64_t now_ms);
  /// The bystander leaves at once, if there is one. Bounded in time, as Consumer::close().
  void stop();

 private:
  std::vector<TopicPartition> orphans();
  Status send_bystander(std::int64_t now_ms);
  void attend_bystander(std::int64_t now_ms);

  Broker& broker_;
  LogSink& log_;
  const ConsumerOptions member_;
  const std::map<std::string, std::int32_t> leads_;
  std::uint64_t version_ = 0;  ///< of the membership
  std::int64_t last_ms_ = 0;   ///< when it changed, or was last looked at
  std::vector<TopicPartition> found_;
  std::unique_ptr<Consumer> bystander_;
  std::int64_t sent_ms_ = 0;
};

}  // namespace millrace
