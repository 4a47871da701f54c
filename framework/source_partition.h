#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/framework/broker.h"
#include "millrace/framework/dead_letters.h"
#include "millrace/framework/jump_guard.h"
#include "millrace/framework/node.h"
#include "millrace/framework/offset_metadata_format.h"
#include "millrace/framework/owned_record.h"
#include "millrace/framework/record.h"
#include "millrace/framework/record_ages.h"
#include "millrace/framework/source_status.h"

namespace millrace {

/// One input partition of a task: its position, event time, waiting records and end (design
/// §5.1, 5.4, 5.6, 5.9).
///
/// Everything here that a record can change comes back by rewind(): the durable home is the offset
/// metadata. One thread.
class SourcePartition {
 public:
  /// `dead_letters` and `counters` are the task's and outlive this.
  SourcePartition(TopicPartition partition, DeadLetters& dead_letters, RunCounters& counters,
                  std::int32_t index = 0);

  const TopicPartition& partition() const { return partition_; }
  std::int32_t index() const { return index_; }  ///< among the source partitions of its task

  // --- the task's side

  struct Start {
    std::int64_t offset = 0;
    std::int64_t highest_ms = kNoTime;
    std::int64_t end_offset = kUnbounded;  ///< of the bounded run
    bool ended = false;
    std::string note;                ///< of the node that holds records back
    std::optional<SourceWord> word;  ///< heard before, of a gathered repartition topic
  };
  static constexpr std::int64_t kUnbounded = -1;
  /// A bounded run over an input whose end is only known when it is reached (a pipe).
  static constexpr std::int64_t kEndUnknown = Admin::kEndUnknown;

  /// Begins, or begins again, at what was committed.
  void start(const Start& start, std::int64_t now_ms);
  /// Back to the last commit. The caller seeks to offset().
  void rewind(std::int64_t now_ms);
  void committed();

  /// Counts what a poll has read.
  void count_read(std::span<const RecordView> records, std::size_t bytes) {
    ages_.read(records);
    read_records_ += records.size();
    read_bytes_ += bytes;
  }
  /// After committed(): how old the records are that are committed by it.
  void count_ages(std::int64_t wall_ms, DurationHistogram& ages) {
    ages_.committed(committed_.offset, wall_ms, ages);
  }
  /// Since this object was made, also what was read twice.
  std::uint64_t read_records() const { return read_records_; }
  std::uint64_t read_bytes() const { return read_bytes_; }

  /// Runs records through `node`; what must wait is copied. The error ends the task's turn.
  Status process(std::span<const RecordView> records, Arena& arena, SourceNode& node);
  /// After a poll: where the consumer stands, and the end of the log if the broker told it.
  void read_up_to(std::int64_t position, std::optional<std::int64_t> high_watermark,
                  std::int64_t now_ms);
  /// At each commit: what the broker tells of the end of the log, polled or not.
  void observe(std::optional<std::int64_t> high_watermark, std::int64_t now_ms);
  /// What the task that writes this partition says of itself. From then on that, and not the log,
  /// tells the status. `run`: of this process; what was said in an older run does not count.
  void hear(const SourceWord& word, std::uint32_t run);
  /// What it has said up to offset().
  std::optional<SourceWord> word_at_offset() const;
  /// Gives verdicts that need no further record (at the end of a bounded run). `node` as for
  /// process().
  Status settle(Arena& arena, SourceNode& node);

  /// Nothing before `begin` can be read any more: what was not processed is counted as lost. That
  /// includes records that wait for a verdict: after a restart they could not be read again. The
  /// caller seeks to `begin`. REQUIRES: no node holds any back.
  void lose_up_to(std::int64_t begin, std::int64_t now_ms);

  /// Set when waiting records outgrew their bound: the caller seeks there and goes on. Cleared by
  /// the call.
  std::optional<std::int64_t> take_seek();

  std::int64_t offset()
      const;  ///< of the next record to process after a restart: what is committed
  std::int64_t position() const { return position_; }
  std::int64_t highest_ms() const { return highest_ms_; }
  std::int64_t committed_offset() const { return committed_.offset; }
  std::int64_t end_offset() const { return end_offset_; }
  bool ended() const { return ended_; }
  /// The task that writes this partition has said something of itself.
  bool told() const { return word_.has_value(); }
  /// The last poll saw the end of the log: nothing to read for now.
  bool caught_up() const;
  /// Since when (monotonic time) polls bring nothing although there are records; none: they do.
  std::optional<std::int64_t> stalled_since_ms() const { return stalled_since_ms_; }
  /// Active, idle after `idle_after_ms` without a record at the end of the log, or ended.
  SourceStatus status(std::int64_t now_ms, std::int64_t idle_after_ms) const;
  /// Memory of the records that wait for time to pass.
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  /// Memory of records that were refused behind what a node holds back.
  std::size_t refused_bytes() const { return refused_bytes_; }
  /// Must not be polled: a node holds back all that it can of it.
  bool full() const { return held_back_.full || refused_bytes_ >= kWaitingBytes; }
  /// Bytes of it that a node holds back.
  std::size_t held_bytes() const { return held_back_.bytes; }
  const std::string& note() const { return note_; }
  Status take_failure() { return std::exchange(failure_, Status{}); }

  // --- the chain's side

  /// Called by event_time when it opens.
  void configure_time(std::int64_t lateness_ms, JumpGuard guard);
  bool has_time() const { return has_time_; }
  std::int64_t lateness_ms() const { return lateness_ms_; }
  /// Highest accepted event time minus the lateness; kNoTime before the first.
  std::int64_t watermark_ms() const;

  enum class Admission { kAccept, kStop };
  /// Of what has been read, a node has passed on what comes before `from`: that is what is
  /// committed.
  struct HeldBack {
    std::optional<std::int64_t> from;  ///< none: all is passed on
    std::size_t bytes = 0;
    bool full = false;
  };
  void hold_back(const HeldBack& held);
  /// From the start, for a node that will hold back: a record that is refused then waits for its
  /// turn, too, or it would be refused again after a restart.
  void will_hold_back() { holds_back_ = true; }
  /// Kept with the committed offset for the node that holds back.
  void set_note(std::string_view note) { note_ = note; }

  /// Asks whether a record with this event time may pass now. kStop: it waits, or is only being
  /// looked at.
  Admission admit(std::int64_t event_ms, std::int64_t timestamp_ms);
  /// The record passed.
  void accepted(std::int64_t event_ms) {
    if (event_ms > highest_ms_) highest_ms_ = event_ms;
  }
  /// What stops the task whatever the policy for bad records: a repartition topic that this program
  /// cannot read.
  void fail(Status status) {
    if (failure_.ok()) failure_ = std::move(status);
  }
  /// The record cannot be processed.
  void refuse(const RecordView& record, RecordError error, std::string_view detail);
  /// Its records hold many values each: none is refused for what a user's function does with one.
  void set_many_in_one(bool many) { many_in_one_ = many; }
  /// A user's function threw while this record was processed.
  void threw(std::int64_t offset, std::string_view what);
  /// The chain must return from process() before the next record.
  bool must_stop() const { return held_ || !failure_.ok(); }

  /// Waiting records beyond this are read again later instead of being kept.
  static constexpr std::size_t kWaitingBytes = 8 * 1024 * 1024;

 private:
  enum class Mode { kNormal, kLook, kForce };
  struct Waiting {
    std::int64_t offset;
    std::int64_t timestamp_ms;
    std::int64_t event_ms;  ///< kNoTime: not parseable
    bool kept;              ///< the record was copied
    std::size_t bytes;      ///< that it takes
    OwnedRecord record;
  };
  struct Refused {
    OwnedRecord record;
    RecordError error;
    std::string detail;
  };
  struct Saved {
    std::int64_t offset = 0;
    std::int64_t highest_ms = kNoTime;
    bool ended = false;
    std::int64_t end_offset = kUnbounded;
    std::string note;
    std::optional<SourceWord> word;
  };

  std::size_t run(std::span<const RecordView> records, Arena& arena, SourceNode& node);
  void look(const RecordView& record, Arena& arena, SourceNode& node);
  void wait(const RecordView& record, std::int64_t event_ms);
  void process_first(Arena& arena, SourceNode& node, Mode mode);
  void forget_first();
  void resume(std::int64_t position, std::int64_t now_ms);
  void refuse_now(const RecordView& record, RecordError error, std::string_view detail);
  JumpGuard::Verdict judge_first() const;
  bool all_read() const { return end_offset_ != kUnbounded && position_ >= end_offset_; }

  TopicPartition partition_;
  std::int32_t index_;
  DeadLetters& dead_letters_;
  RunCounters& counters_;

  bool has_time_ = false;
  std::int64_t lateness_ms_ = 0;
  JumpGuard guard_;

  std::int64_t position_ = 0;
  std::int64_t highest_ms_ = kNoTime;
  std::int64_t end_offset_ = kUnbounded;
  bool ended_ = false;
  std::string note_;
  std::optional<SourceWord> word_;
  Saved committed_;
  RecordAges ages_;
  std::uint64_t read_records_ = 0;
  std::uint64_t read_bytes_ = 0;

  std::optional<std::int64_t> high_watermark_;
  std::optional<std::int64_t> stalled_since_ms_;
  std::int64_t last_record_ms_ = 0;  ///< monotonic time of the last of record, assignment, resume
  bool got_records_ = false;

  Mode mode_ = Mode::kNormal;
  HeldBack held_back_;
  bool holds_back_ = false;
  std::deque<Refused> refused_;  ///< behind what is held back
  std::size_t refused_bytes_ = 0;
  bool held_ = false;
  std::int64_t seen_ms_ = kNoTime;  ///< what kLook found, or the held record's time
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool many_in_one_ = false;
  std::optional<std::int64_t> unkept_from_;  ///< from here on nothing was copied
  std::optional<std::int64_t> seek_;
  /// Offsets whose processing threw, and what: refused when they come again.
  std::map<std::int64_t, std::string> poisoned_;
  Status failure_;
};

}  // namespace millrace
