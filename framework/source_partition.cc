#include "millrace/framework/source_partition.h"

#include <fmt/format.h>

#include <array>

namespace millrace {
SourcePartition::SourcePartition(TopicPartition partition, DeadLetters& dead_letters,
                                 RunCounters& counters, std::int32_t index)
    : partition_(std::move(partition)),
      index_(index),
      dead_letters_(dead_letters),
      counters_(counters) {}

void SourcePartition::configure_time(std::int64_t lateness_ms, JumpGuard guard) {
  has_time_ = true;
  lateness_ms_ = lateness_ms;
  guard_ = guard;
}

void SourcePartition::start(const Start& start, std::int64_t now_ms) {
  committed_ = {start.offset,     start.highest_ms, start.ended,
                start.end_offset, start.note,       start.word};
  rewind(now_ms);
}

void SourcePartition::rewind(std::int64_t now_ms) {
  resume(committed_.offset, now_ms);
  highest_ms_ = committed_.highest_ms;
  ended_ = committed_.ended;
  end_offset_ = committed_.end_offset;
  note_ = committed_.note;
  word_ = committed_.word;
  failure_ = {};
}

void SourcePartition::lose_up_to(std::int64_t begin, std::int64_t now_ms) {
  const std::int64_t end = end_offset_ == kUnbounded ? begin : std::min(begin, end_offset_);
  counters_.lost += static_cast<std::uint64_t>(end - offset());
  resume(begin, now_ms);
}

/// Forgets what was read behind the next record to process.
void SourcePartition::resume(std::int64_t position, std::int64_t now_ms) {
  position_ = position;
  ages_.forget(position);
  held_back_ = {};
  refused_.clear();
  refused_bytes_ = 0;
  high_watermark_.reset();
  stalled_since_ms_.reset();
  last_record_ms_ = now_ms;
  mode_ = Mode::kNormal;
  held_ = false;
  waiting_.clear();
  waiting_bytes_ = 0;
  unkept_from_.reset();
  seek_.reset();
}

void SourcePartition::committed() {
  // Read to its end, and yet not at its end, while something is held back.
  const bool at_end = ended_ && !held_back_.from;
  committed_ = {offset(), highest_ms_, at_end, end_offset_, note_, word_at_offset()};
  poisoned_.erase(poisoned_.begin(), poisoned_.lower_bound(committed_.offset));
}

std::int64_t SourcePartition::offset() const {
  if (held_back_.from) return *held_back_.from;
  if (!waiting_.empty()) return waiting_.front().offset;
  return end_offset_ == kUnbounded ? position_ : std::min(position_, end_offset_);
}

std::int64_t SourcePartition::watermark_ms() const {
  return highest_ms_ == kNoTime ? kNoTime : highest_ms_ - lateness_ms_;
}

Status SourcePartition::process(std::span<const RecordView> records, Arena& arena,
                                SourceNode& node) {
  while (end_offset_ != kUnbounded && !records.empty() && records.back().offset >= end_offset_)
    records = records.first(records.size() - 1);
  got_records_ = got_records_ || !records.empty();
  while (!records.empty() && failure_.ok()) {
    if (!waiting_.empty()) {
      look(records.front(), arena, node);
      records = records.subspan(1);
      if (seen_ms_ == kNoTime) continue;  // no verdict depends on it
      MILLRACE_RETURN_IF_ERROR(settle(arena, node));
      if (seek_) return {};  // the rest comes again
    } else if (!poisoned_.empty() && poisoned_.contains(records.front().offset)) {
      refuse(records.front(), RecordError::kUserException, poisoned_.at(records.front().offset));
      records = records.subspan(1);
    } else {
      records = records.subspan(run(records, arena, node));
      if (held_) {
        held_ = false;
        wait(records.front(), seen_ms_);
        records = records.subspan(1);
      }
    }
  }
  return take_failure();
}

std::size_t SourcePartition::run(std::span<const RecordView> records, Arena& arena,
                                 SourceNode& node) {
  if (!poisoned_.empty()) {
    std::size_t count = 0;
    while (count < records.size() && !poisoned_.contains(records[count].offset)) ++count;
    records = records.first(count);
  }
  return node.process(records, arena, *this);
}

void SourcePartition::look(const RecordView& record, Arena& arena, SourceNode& node) {
  mode_ = Mode::kLook;
  seen_ms_ = kNoTime;
  node.process({&record, 1}, arena, *this);
  mode_ = Mode::kNormal;
  wait(record, seen_ms_);
}

void SourcePartition::wait(const RecordView& record, std::int64_t event_ms) {
  std::size_t bytes = sizeof(Waiting) + OwnedRecord::bytes_of(record);
  const bool keep = waiting_.empty() || (!unkept_from_ && waiting_bytes_ + bytes <= kWaitingBytes);
  if (!keep) {
    if (!unkept_from_) unkept_from_ = record.offset;
    if (event_ms == kNoTime) return;  // comes again, and no verdict depends on it
    bytes = sizeof(Waiting);
  }
  waiting_bytes_ += bytes;
  waiting_.push_back({record.offset, record.timestamp_ms, event_ms, keep, bytes,
                      keep ? OwnedRecord(record) : OwnedRecord()});
}

JumpGuard::Verdict SourcePartition::judge_first() const {
  std::array<std::int64_t, JumpGuard::kSuccessors> successors;
  std::size_t count = 0;
  for (std::size_t i = 1; i < waiting_.size() && count < successors.size(); ++i)
    if (waiting_[i].event_ms != kNoTime) successors[count++] = waiting_[i].event_ms;
  return guard_.judge(waiting_.front().event_ms, {successors.data(), count}, all_read());
}

Status SourcePartition::settle(Arena& arena, SourceNode& node) {
  while (!waiting_.empty() && failure_.ok()) {
    const Waiting& first = waiting_.front();
    const bool jump = first.event_ms != kNoTime &&
                      !guard_.plausible(first.event_ms, highest_ms_, first.timestamp_ms);
    const auto verdict = jump ? judge_first() : JumpGuard::Verdict::kAccept;
    if (verdict == JumpGuard::Verdict::kWait) break;
    if (!first.kept) break;
    if (verdict == JumpGuard::Verdict::kAccept) {
      process_first(arena, node, jump ? Mode::kForce : Mode::kNormal);
    } else {
      std::vector<Header> headers;
      refuse(first.record.view(arena, headers), RecordError::kTimestampJump,
             fmt::format("event time {} ms is far above its successors", first.event_ms));
    }
    if (failure_.ok()) forget_first();
  }
  if (unkept_from_ && failure_.ok() && (waiting_.empty() || !waiting_.front().kept)) {
    position_ = *std::exchange(unkept_from_, std::nullopt);
    seek_ = position_;
    ages_.forget(position_);
    waiting_.clear();
    waiting_bytes_ = 0;
    return {};
  }
  if (all_read() && waiting_.empty() && failure_.ok()) ended_ = true;
  return take_failure();
}

void SourcePartition::process_first(Arena& arena, SourceNode& node, Mode mode) {
  std::vector<Header> headers;
  const RecordView record = waiting_.front().record.view(arena, headers);
  if (const auto poison = poisoned_.find(record.offset); poison != poisoned_.end())
    return refuse(record, RecordError::kUserException, poison->second);
  mode_ = mode;
  node.process({&record, 1}, arena, *this);
  mode_ = Mode::kNormal;
}

void SourcePartition::forget_first() {
  waiting_bytes_ -= waiting_.front().bytes;
  waiting_.pop_front();
}

void SourcePartition::read_up_to(std::int64_t position, std::optional<std::int64_t> high_watermark,
                                 std::int64_t now_ms) {
  const bool stalled = !seek_ && position == position_ && high_watermark > position;
  if (!stalled)
    stalled_since_ms_.reset();
  else if (!stalled_since_ms_)
    stalled_since_ms_ = now_ms;
  if (!seek_) position_ = position;
  high_watermark_ = high_watermark;
  if (std::exchange(got_records_, false)) last_record_ms_ = now_ms;
  if (end_offset_ == kEndUnknown && high_watermark_ && position_ >= *high_watermark_)
    end_offset_ = *high_watermark_;
}

void SourcePartition::observe(std::optional<std::int64_t> high_watermark, std::int64_t now_ms) {
  if (high_watermark_)
    high_watermark_ = high_watermark;          // none after a seek, until a poll has seen it
  if (!caught_up()) last_record_ms_ = now_ms;  // what waits unread is no silence
}

std::optional<std::int64_t> SourcePartition::take_seek() {
  if (seek_) high_watermark_.reset();
  return std::exchange(seek_, std::nullopt);
}

bool SourcePartition::caught_up() const {
  return ended_ || (high_watermark_ && position_ >= *high_watermark_);
}

void SourcePartition::hear(const SourceWord& word, std::uint32_t run) {
  word_ = word;
  if (word.run < run) word_->status = SourceStatus::kActive;
  ended_ = word.run > run || (word.run == run && word.status == SourceStatus::kEnded);
}

std::optional<SourceWord> SourcePartition::word_at_offset() const {
  std::optional<SourceWord> word = word_;
  if (word && held_back_.from) word->status = SourceStatus::kActive;  // it is read again
  return word;
}

SourceStatus SourcePartition::status(std::int64_t now_ms, std::int64_t idle_after_ms) const {
  if (ended_) return SourceStatus::kEnded;
  if (word_) return word_->status == SourceStatus::kIdle ? word_->status : SourceStatus::kActive;
  if (idle_after_ms < 0 || end_offset_ != kUnbounded) return SourceStatus::kActive;
  return caught_up() && now_ms - last_record_ms_ >= idle_after_ms ? SourceStatus::kIdle
                                                                  : SourceStatus::kActive;
}

SourcePartition::Admission SourcePartition::admit(std::int64_t event_ms,
                                                  std::int64_t timestamp_ms) {
  if (mode_ == Mode::kLook) {
    seen_ms_ = event_ms;
    return Admission::kStop;
  }
  if (mode_ == Mode::kForce || guard_.plausible(event_ms, highest_ms_, timestamp_ms))
    return Admission::kAccept;
  held_ = true;
  seen_ms_ = event_ms;
  return Admission::kStop;
}

void SourcePartition::refuse(const RecordView& record, RecordError error, std::string_view detail) {
  if (mode_ == Mode::kLook) return;
  if (!holds_back_) return refuse_now(record, error, detail);
  refused_.push_back({OwnedRecord(record), error, std::string(detail)});
  refused_bytes_ += OwnedRecord::bytes_of(record);
}

void SourcePartition::refuse_now(const RecordView& record, RecordError error,
                                 std::string_view detail) {
  ++counters_.dead_lettered;
  fail(dead_letters_.refuse(partition_, record, error, detail));
}

void SourcePartition::hold_back(const HeldBack& held) {
  held_back_ = held;
  Arena arena;
  while (!refused_.empty() && (!held.from || refused_.front().record.offset() < *held.from)) {
    std::vector<Header> headers;
    const Refused& first = refused_.front();
    const RecordView record = first.record.view(arena, headers);
    refuse_now(record, first.error, first.detail);
    refused_bytes_ -= OwnedRecord::bytes_of(record);
    refused_.pop_front();
  }
}

void SourcePartition::threw(std::int64_t offset, std::string_view what) {
  if (mode_ == Mode::kLook) return;
  const std::string text =
      fmt::format("in '{}' partition {} offset {} a function of the topology threw: {}",
                  partition_.topic, partition_.partition, offset, what);
  if (dead_letters_.stops() || many_in_one_) {
    failure_ = Status::failed(text);
    return;
  }
  poisoned_.emplace(offset, what);
  failure_ = Status::abort(text);
}

}  // namespace millrace
