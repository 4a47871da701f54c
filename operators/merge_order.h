#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/task_context.h"
#include "millrace/operators/merge_key.h"
#include "millrace/operators/merge_position_format.h"

namespace millrace {

/// What an ordered merge does with a record that is smaller than the one before it in the same
/// partition, which breaks the promise that its input is sorted.
enum class OnDisorder : std::uint8_t {
  kFail,        ///< ends the program, nothing lost, and says where
  kDeadLetter,  ///< treats it as a bad record: see ApplicationConfig::on_bad_record
  kPass,        ///< merges it all the same: the output is out of order there, and that is counted
};
std::string_view to_string(OnDisorder policy);

/// The text about a record that is out of order: where it is, both keys, what to do.
std::string disorder_text(const SourcePartition& source, std::int64_t offset, std::string_view key,
                          std::string_view before, bool descending);

namespace merge_detail {
template <class T, class By>
using KeyOf = std::remove_cvref_t<std::invoke_result_t<By&, const T&, const RecordInfo&>>;
}  // namespace merge_detail

/// The last keys of a task's source partitions, kept with their committed offsets (design §8).
template <class K>
class MergeOrder {
 public:
  /// `policy`: none where others have looked at the order before. `store`: for keys that are too
  /// long to stand with an offset; empty where there are none.
  MergeOrder(bool descending, std::optional<OnDisorder> policy, std::string store)
      : descending_(descending), policy_(policy), store_(std::move(store)) {}
  MergeOrder(const MergeOrder& other)
      : MergeOrder(other.descending_, other.policy_, other.store_) {}

  /// Reads what is committed with the partitions: at the start, and after an abort. kFailed: it
  /// cannot be read.
  Status load(TaskContext& context) {
    context_ = &context;
    if (parts_.size() != context.source_partitions.size())
      parts_ = std::vector<Part>(context.source_partitions.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Part& part = parts_[i];
      part.seen.forget();
      part.passed.forget();
      part.changed = false;
      part.done = 0;
      part.done_of = -1;
      const SourcePartition& source = *context.source_partitions[i];
      const auto position = parse_merge_position(source.note());
      if (!position.ok()) return position.status();
      part.skip = position->done;
      part.skip_of = source.offset();
      part.stored_at.reset();
      if (position->place == MergePosition::Place::kHere) part.passed.keep_bytes(position->key);
      if (position->place == MergePosition::Place::kStore) {
        load_long(part, source);
        part.stored_at = source.offset();
      }
      if (part.passed.known()) part.seen.keep(part.passed.key());
    }
    return {};
  }

  bool before(const K& a, const K& b) const { return descending_ ? b < a : a < b; }
  /// A value of a partition arrives: false if it has been passed on before the last commit, or if
  /// it is refused, or stops the task, for its order.
  bool admit(const K& key, const RecordInfo& info) {
    Part& part = parts_[static_cast<std::size_t>(info.source)];
    if (part.skip > 0) [[unlikely]] {
      if (info.offset == part.skip_of) {
        --part.skip;
        part.done_of = info.offset;
        ++part.done;
        return false;
      }
      part.skip = 0;
    }
    if (!policy_) return true;
    if (part.seen.known() && before(key, part.seen.key())) [[unlikely]] {
      if (!disordered(part, key, info)) return false;
    }
    part.seen.keep(key);
    return true;
  }
  /// It is passed on.
  void passed(const K& key, const RecordInfo& info) {
    Part& part = parts_[static_cast<std::size_t>(info.source)];
    part.passed.keep(key);
    part.changed = true;
    part.done = part.done_of == info.offset ? part.done + 1 : 1;
    part.done_of = info.offset;
  }
  /// The key that was passed on last of a partition.
  const KeptKey<K>& last(std::size_t source) const { return parts_[source].passed; }
  /// Writes what is to be committed with the partitions.
  void note() {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Part& part = parts_[i];
      SourcePartition& source = *context_->source_partitions[i];
      // A key in the store belongs to an offset, which moves without a value, too.
      const bool moved = part.stored_at && *part.stored_at != source.offset();
      if (!std::exchange(part.changed, false) && !moved) continue;
      buffer_.clear();
      MergeKey<K>::write(part.passed.key(), buffer_);
      // Some values of the record that is next may be out already: where one becomes many.
      const std::uint32_t done = part.done_of == source.offset() ? part.done : 0;
      MergePosition position{MergePosition::Place::kHere, buffer_, done};
      part.stored_at.reset();
      if (buffer_.size() > MergePosition::kMaxKeyBytes) {
        position = {MergePosition::Place::kStore, {}, done};
        save_long(source);
        part.stored_at = source.offset();
      }
      std::string note;
      append_merge_position(position, note);
      source.set_note(note);
    }
  }

 private:
  struct Part {
    KeptKey<K> seen;
    KeptKey<K> passed;
    bool changed = false;    ///< `passed`, since the last note
    std::uint32_t done = 0;  ///< values passed on of the record at `done_of`
    std::int64_t done_of = -1;
    std::uint32_t skip = 0;                 ///< values still to come that were passed on before
    std::int64_t skip_of = -1;              ///< of the record there
    bool told = false;                      ///< that the partition is not sorted
    std::optional<std::int64_t> stored_at;  ///< `passed` is in the store, with this offset
  };

  bool disordered(Part& part, const K& key, const RecordInfo& info) {
    SourcePartition& source = *context_->source_partitions[static_cast<std::size_t>(info.source)];
    const std::string text = disorder_text(source, info.offset, MergeKey<K>::text(key),
                                           MergeKey<K>::text(part.seen.key()), descending_);
    switch (*policy_) {
      case OnDisorder::kFail:
        source.fail(Status::failed(text));
        return false;
      case OnDisorder::kDeadLetter:
        source.refuse(*context_->record_under_work, RecordError::kOutOfOrder, text);
        return false;
      case OnDisorder::kPass:
        if (!std::exchange(part.told, true))
          context_->log().write(LogLevel::kWarning, "an input partition is not sorted",
                                {{"topic", source.partition().topic},
                                 {"partition", source.partition().partition},
                                 {"offset", info.offset},
                                 {"first", text}});
        return true;
    }
    return true;
  }

  static std::string store_key(const SourcePartition& source) {
    return source.partition().topic + "/" + std::to_string(source.partition().partition);
  }
  /// With the offset that it belongs to: at least once, state may be ahead of what is committed.
  void save_long(const SourcePartition& source) {
    std::string value;
    ByteWriter(value).put(source.offset()).text(buffer_);
    context_->store(store_).put(store_key(source), value);
  }
  void load_long(Part& part, const SourcePartition& source) {
    const auto value = context_->store(store_).get(store_key(source));
    if (!value) return;
    ByteReader in(*value);
    if (in.get<std::int64_t>() == source.offset()) part.passed.keep_bytes(in.text());
  }

  bool descending_;
  std::optional<OnDisorder> policy_;
  std::string store_;
  TaskContext* context_ = nullptr;
  std::vector<Part> parts_;
  std::string buffer_;
};

}  // namespace millrace
