#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/framework/log.h"
#include "millrace/framework/record.h"
#include "millrace/framework/record_batch.h"
#include "millrace/framework/status.h"

/// The outside world, as small as the runtime needs it (design: "the broker interface").
/// Implemented by framework/kafka, framework/embedded and framework/file; one contract suite
/// (tests/broker) holds for all.
///
/// Threads: a Consumer or Producer belongs to one thread; only wakeup() may be called from another.
/// Admin and Broker are thread-safe. No call throws. Objects must be destroyed before their Broker.
namespace millrace {

/// A consumer's credentials in its group at one generation, for Producer::send_offsets. Opaque,
/// immutable.
class GroupMetadata {
 public:
  virtual ~GroupMetadata() = default;
};

/// A lead partition this member owns. `acquired` is unique per acquisition: the same value later
/// means that the member has owned it without interruption, in every generation in between.
struct OwnedPartition {
  TopicPartition partition;
  std::uint64_t acquired = 0;
  bool operator==(const OwnedPartition&) const = default;
};

/// What the group protocol says of this member.
struct Membership {
  bool joined = false;        ///< false: not (any more) a member, owns nothing
  std::uint64_t version = 0;  ///< rises with every new generation and every change of ownership
  std::vector<OwnedPartition> owned;  ///< sorted by partition
};

struct ConsumerOptions {
  std::string group_id;           ///< empty: no group; only assign() works
  std::string client_id;          ///< carries the topology's fingerprint
  std::string group_instance_id;  ///< static membership; empty: dynamic
  bool read_committed = true;
  std::chrono::milliseconds session_timeout{10'000};
  /// Records of each partition to have at hand beforehand; 0: a good many. For who reads many
  /// partitions side by side: small records take far more memory than their bytes.
  std::size_t prefetch_records = 0;
};

struct PollLimit {
  std::size_t records = 1024;
  std::size_t bytes = 1 << 20;  ///< at least one record is delivered whatever its size
};

class Consumer {
 public:
  virtual ~Consumer() = default;

  /// Joins the group for these lead topics (cooperative). Only membership is managed by the group:
  /// data flows for what assign() added, nothing else. Topics must exist.
  virtual Status subscribe(const std::vector<std::string>& lead_topics) = 0;
  /// Serves the group protocol and errors; blocks, for moments, only in trouble. Call often (at
  /// least each max.poll.interval, 5 min): while something of the group waits to be served, nothing
  /// may be fetched. A revoked or lost partition just leaves membership().owned; the caller then
  /// unassigns what belongs to it. kRetry, until one is: no broker can be reached (keep calling);
  /// kFenced: another process has this group_instance_id; kFailed: stop.
  virtual Status serve() = 0;
  virtual const Membership& membership() const = 0;
  /// Credentials of the present generation. Null while not a member.
  virtual std::shared_ptr<const GroupMetadata> group_metadata() = 0;

  /// Starts fetching these partitions (owned or not: side partitions, changelogs) at `offset`.
  /// REQUIRES: not yet assigned.
  virtual Status assign(std::span<const PartitionOffset> partitions) = 0;
  /// Stops fetching and drops what was prefetched. REQUIRES: assigned.
  virtual Status unassign(std::span<const TopicPartition> partitions) = 0;
  /// Continues an assigned partition at another offset; nothing from before is delivered
  /// afterwards.
  virtual Status seek(const TopicPartition& partition, std::int64_t offset) = 0;

  /// Appends what is there (possibly nothing) of one assigned partition, up to the limit. Never
  /// blocks. read_committed: aborted and control records are never delivered, and nothing behind an
  /// open transaction. kRetry: leader away for now; kFailed: e.g. the offset is out of range; it is
  /// said at each call until the next seek() and names partition and offset.
  virtual Status poll(const TopicPartition& partition, const PollLimit& limit,
                      RecordBatch& batch) = 0;
  /// Offset of the next record poll() would deliver. Steps over control, aborted and compacted
  /// records at the end of what is readable, so it reaches the high watermark when all is read and
  /// no transaction is open.
  virtual std::int64_t position(const TopicPartition& partition) const = 0;
  /// End of the log (uncommitted view) as told by the broker since the last assign() or seek();
  /// none if not told yet.
  virtual std::optional<std::int64_t> high_watermark(const TopicPartition& partition) const = 0;
  /// Memory that what was read ahead of poll() takes: a guess, for people; 0 where nothing is.
  virtual std::size_t queued_bytes() const { return 0; }
  /// Blocks until an assigned partition may have records, the group may have news, wakeup(), or the
  /// time-out. What was left in a partition that nobody polled since the last wait() does not end
  /// it again.
  virtual void wait(std::chrono::milliseconds timeout) = 0;
  /// Ends a wait() under way or the next one. From any thread or signal-free context.
  virtual void wakeup() = 0;

  /// Committed offsets with metadata (kNone where nothing is committed), in the order asked.
  /// Stable: while a transaction that carries offsets of these partitions is pending the answer is
  /// kRetry.
  virtual Result<std::vector<PartitionOffset>> committed(
      std::span<const TopicPartition> partitions) = 0;
  /// Commits offsets with their metadata by themselves, as a member in the present generation: what
  /// at-least-once processing needs. kRetry; kAbort: not a member, or of an older generation.
  virtual Status commit(std::span<const PartitionOffset> offsets) = 0;
  /// Leaves the group (unless static) and drops all assignments. Idempotent; bounded in time. A
  /// consumer destroyed without it stays a member until its session ends, as after a crash.
  virtual Status close() = 0;
};

struct ProducerOptions {
  std::string client_id;
  std::string transactional_id;  ///< empty: plain (idempotent) producer, no transaction calls
  std::chrono::milliseconds transaction_timeout{10'000};
  std::string compression;  ///< empty: default of the implementation; none, lz4, zstd, snappy, gzip
};

class Producer {
 public:
  virtual ~Producer() = default;

  /// Registers the transactional id: fences every former producer with it and settles its open
  /// transaction.
  virtual Status init_transactions() = 0;
  virtual Status begin() = 0;
  /// Queues a record (copied). kRetry: queue full, poll() and call again. Unknown topics or
  /// partitions are kFailed.
  virtual Status produce(const OutgoingRecord& record) = 0;
  /// Serves delivery reports; waits up to `timeout` if there is nothing.
  virtual void poll(std::chrono::milliseconds timeout) = 0;
  virtual std::size_t queued_bytes() const = 0;  ///< not yet acknowledged
  /// Waits until all is delivered. kFailed names the first record's topic, partition and error that
  /// was not.
  virtual Status flush(std::chrono::milliseconds timeout) = 0;
  /// Adds offsets with metadata to the transaction. kAbort: stale generation, among others.
  virtual Status send_offsets(std::span<const PartitionOffset> offsets,
                              const GroupMetadata& group) = 0;
  /// Flushes and commits. kOk, kRetry (same call again), kAbort, kFenced, kUnknown.
  virtual Status commit() = 0;
  /// Aborts the open transaction; OK when none is open. kRetry, kFenced.
  virtual Status abort() = 0;
  /// Highest offset acknowledged for this partition by this producer; none if none.
  virtual std::optional<std::int64_t> delivered_offset(const TopicPartition& partition) const = 0;
};

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 1;
  std::int32_t replication = -1;               ///< -1: the broker's default
  std::map<std::string, std::string> configs;  ///< e.g. cleanup.policy
};

struct TopicDescription {
  std::string name;
  std::int32_t partitions = 0;
};

struct GroupMember {
  std::string member_id;
  std::string client_id;
  std::string instance_id;
  std::string host;
  std::vector<TopicPartition> partitions;
};

struct GroupDescription {
  std::string group_id;
  std::string state;  ///< Stable, Empty, PreparingRebalance, CompletingRebalance, Dead
  std::vector<GroupMember> members;
};

enum class OffsetSpec { kEarliest, kLatest };

/// Administration. Calls block for up to `kTimeout`; kRetry when the broker cannot be reached in
/// it.
class Admin {
 public:
  virtual ~Admin() = default;
  static constexpr std::chrono::milliseconds kTimeout{10'000};

  /// kExists if the topic is there already, kInvalid for a bad config (text names it). Returns when
  /// it is usable.
  virtual Status create_topic(const TopicSpec& topic) = 0;
  virtual Status delete_topic(const std::string& topic) = 0;
  virtual Result<std::vector<TopicDescription>> list_topics() = 0;
  /// kNotFound if it does not exist.
  virtual Result<TopicDescription> describe_topic(const std::string& topic) = 0;
  virtual Result<std::map<std::string, std::string>> topic_configs(const std::string& topic) = 0;
  /// Latest offset of a partition whose end nobody has seen yet (a file or stream that is not read
  /// to its end): it ends where Consumer::high_watermark() says once it knows. Kafka and the
  /// embedded broker never answer it.
  static constexpr std::int64_t kEndUnknown = std::numeric_limits<std::int64_t>::max();
  /// Earliest offset, or high watermark (uncommitted view), in the order asked.
  virtual Result<std::vector<std::int64_t>> list_offsets(std::span<const TopicPartition> partitions,
                                                         OffsetSpec which) = 0;
  /// Deletes all records below each offset. Fails on compact-only topics.
  virtual Status delete_records(std::span<const PartitionOffset> before) = 0;
  virtual Result<std::vector<std::string>> list_groups() = 0;
  /// A group that does not exist is described as Dead without members.
  virtual Result<GroupDescription> describe_group(const std::string& group) = 0;
  /// Committed offsets of any group, stable as Consumer::committed.
  virtual Result<std::vector<PartitionOffset>> committed(
      const std::string& group, std::span<const TopicPartition> partitions) = 0;
  /// All partitions for which the group has committed offsets; a transaction that is pending does
  /// not count.
  virtual Result<std::vector<PartitionOffset>> group_offsets(const std::string& group) = 0;
  /// Fails while the group has members.
  virtual Status delete_group(const std::string& group) = 0;
};

class Broker {
 public:
  virtual ~Broker() = default;
  virtual Result<std::unique_ptr<Consumer>> consumer(const ConsumerOptions& options) = 0;
  virtual Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) = 0;
  virtual Admin& admin() = 0;
  /// For messages: "localhost:9092", "embedded:/var/lib/x".
  virtual std::string name() const = 0;
};

}  // namespace millrace
