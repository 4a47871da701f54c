#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/format.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/codec/text.h"

namespace millrace {

/// A record as it is, with the key that it is merged by. Views live as long as the batch.
template <class K>
struct MergeRecord {
  K key{};
  std::string_view value;  ///< null: a tombstone
};

/// Of a run, which the merge keeps as long as what points into it.
template <class K>
struct Format<MergeRecord<K>> {
  static void write(const MergeRecord<K>& record, ByteWriter& out) {
    write_text(record.value, out);
    if constexpr (std::same_as<K, std::string_view>)
      write_text(record.key, out);
    else
      Format<K>::write(record.key, out);
  }
  static MergeRecord<K> read(ByteReader& in) {
    MergeRecord<K> record;
    record.value = read_text(in);
    if constexpr (std::same_as<K, std::string_view>)
      record.key = read_text(in);
    else
      record.key = Format<K>::read(in);
    return record;
  }

 private:
  static void write_text(std::string_view text, ByteWriter& out) {
    out.varint(text.data() == nullptr ? 0 : text.size() + 1).bytes(text);
  }
  static std::string_view read_text(ByteReader& in) {
    const std::uint64_t size = in.varint();
    return size == 0 ? std::string_view() : in.bytes(static_cast<std::size_t>(size - 1));
  }
};

/// Decodes the key of a record by `KeyCodec` and leaves its bytes as they are.
template <class K, class KeyCodec, class Project>
class MergeRecordCodec {
 public:
  using value_type = MergeRecord<K>;

  MergeRecordCodec(KeyCodec codec, Project project)
      : codec_(std::move(codec)), project_(std::move(project)) {}

  DecodeOutcome decode(const RecordView& record, Arena& arena, value_type& value) {
    const DecodeOutcome outcome = codec_.decode(record, arena, decoded_);
    value = {project_(decoded_), record.value};
    return outcome;
  }
  std::string describe() const { return "record by " + codec_.describe(); }

 private:
  KeyCodec codec_;
  Project project_;
  typename KeyCodec::value_type decoded_{};
};

/// Writes a record as it was.
template <class K>
struct MergeRecordBytes {
  using value_type = MergeRecord<K>;
  void encode(const value_type& record, std::string& out) const { out += record.value; }
  bool is_null(const value_type& record) const { return record.value.data() == nullptr; }
  std::string describe() const { return "bytes"; }
};

}  // namespace millrace
