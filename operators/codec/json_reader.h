#pragma once

#include <memory>
#include <span>
#include <vector>

#include "millrace/operators/codec/json_value.h"

namespace millrace {

/// Finds bound fields in the root object of a JSON record, in any order, and stops at the last of
/// them.
///
/// A record is good iff its root is an object and every field that is not optional is found in it,
/// with its type, before any error; what follows is not judged. The first occurrence of a key
/// counts. Of the values skipped before the last bound field, containers are judged by their
/// brackets and strings by their ends alone, unless there is an error further on. A copy has its
/// own parser: one thread at a time for each. Allocates only until it has seen its longest record.
class JsonReader {
 public:
  /// REQUIRES: at most 64 bindings, all with different names.
  explicit JsonReader(std::vector<FieldBinding> bindings,
                      Strictness strictness = Strictness::kBoundFields);
  JsonReader(const JsonReader& other);
  JsonReader(JsonReader&& other) noexcept;
  JsonReader& operator=(JsonReader other) noexcept;
  ~JsonReader();

  /// Fills `values`, one for each binding and fresh on call. Texts in it are views into `record`
  /// where they have no escapes, else into `arena`.
  DecodeOutcome read(const RecordView& record, Arena& arena, std::span<FieldValue> values);

  std::span<const FieldBinding> bindings() const;
  Strictness strictness() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace
