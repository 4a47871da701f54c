#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/field_value.h"

namespace millrace {

/// Finds bound fields in the root map of a MessagePack record, in any order, and stops at the last
/// of them.
///
/// A record is good iff its root is a map and every field that is not optional is found in it, with
/// its type, before any error; what follows is not judged. The first occurrence of a key counts; a
/// key that is no text names no field. Any depth of nesting is legal and costs no memory. Texts
/// that are not bound need not be UTF-8. Thread-safe; allocates nothing.
class MsgpackReader {
 public:
  /// REQUIRES: at most 64 bindings, all with different names.
  explicit MsgpackReader(std::vector<FieldBinding> bindings,
                         Strictness strictness = Strictness::kBoundFields);

  /// Fills `values`, one for each binding. Texts in it are views into `record`.
  DecodeOutcome read(const RecordView& record, std::span<FieldValue> values) const;

  std::span<const FieldBinding> bindings() const { return bindings_; }
  Strictness strictness() const { return strictness_; }

 private:
  DecodeOutcome scan_map(const char* cursor, const char* end, std::uint64_t pairs,
                         std::span<FieldValue> values) const;

  std::vector<FieldBinding> bindings_;
  Strictness strictness_;
  std::uint64_t all_;  ///< a bit for each binding
};

}  // namespace millrace
