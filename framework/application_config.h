#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/dead_letters.h"
#include "millrace/framework/task_state.h"

namespace millrace {

/// What to do when input was deleted before it was read, by retention or by hand.
enum class LostInputPolicy {
  kStop,  ///< end the program: nothing is committed beyond it
  kSkip,  ///< go on where the log begins: what is missing is said, and counted as lost
};

/// Everything about running a topology that is not the topology.
struct ApplicationConfig {
  std::string application_id =
      {};  ///< group id and prefix of internal topics; empty: the topology's name
  std::string instance_id =
      {};  ///< stable name of this process; REQUIRES: not empty, unique in the group
  bool static_membership = false;
  int threads = 1;
  Guarantee guarantee = Guarantee::kExactlyOnce;
  std::chrono::milliseconds commit_interval{100};
  std::chrono::milliseconds session_timeout{10'000};
  std::chrono::milliseconds idle_after{5'000};  ///< negative: never idle
  std::chrono::milliseconds max_drift{
      3'600'000};          ///< event time between partitions of a thread; negative: no limit
  bool until_end = false;  ///< process what is there now, then end
  BadRecordPolicy on_bad_record = BadRecordPolicy::kStop;
  LostInputPolicy on_lost_input = LostInputPolicy::kStop;
  std::string dead_letter_topic = {};  ///< REQUIRES for kDeadLetter: not empty
  PollLimit batch{1024, 512 * 1024};
  /// "HOST:PORT" where other instances and their clients reach this one; empty: nowhere. Shared
  /// through an internal topic.
  std::string advertised_address = {};
  std::size_t transaction_bytes =
      32 * 1024 * 1024;           ///< a transaction larger than this commits early
  std::int32_t replication = -1;  ///< of internal topics; -1: the broker's default
  /// `delete.retention.ms` of changelogs, at least. State relies on it: see RocksdbStateOptions.
  std::chrono::milliseconds changelog_delete_retention = kChangelogDeleteRetention;
};

/// Two transactions in a row cost the broker's back-off unless they are this far apart (measured:
/// 104 ms against 4 ms).
inline constexpr std::int64_t kCommitGapMs = 50;

}  // namespace millrace
