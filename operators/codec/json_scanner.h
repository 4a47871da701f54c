#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "millrace/operators/codec/json_value.h"

namespace millrace {

/// Finds the bound fields of a JSON object strictly from left to right, byte by byte, and stops at
/// the last of them. This is the definition of a good record; JsonReader is a faster way to the
/// same answer. Not thread-safe.
class JsonScanner {
 public:
  /// Fills `values` (one for each of `bindings`, at most 64), or says what is wrong first. Any
  /// depth of nesting is legal. REQUIRES: kRecordPadding readable bytes behind `text`. Views in
  /// `values` point into `text` or `arena`.
  DecodeOutcome scan(std::string_view text, std::span<const FieldBinding> bindings,
                     Strictness strictness, Arena& arena, std::span<FieldValue> values);

 private:
  DecodeOutcome scan_root(std::span<const FieldBinding> bindings, Strictness strictness,
                          Arena& arena, std::span<FieldValue> values);
  bool skip_value();
  bool skip_string();
  bool skip_scalar();
  bool skip_key();
  bool take(char c);
  bool at_end();
  void skip_space();

  const char* cursor_ = nullptr;
  const char* end_ = nullptr;
  std::vector<bool>
      in_object_;  ///< of each open container, whether it is an object; keeps its memory
};

}  // namespace millrace
