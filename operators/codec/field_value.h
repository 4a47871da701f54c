#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "millrace/framework/codec.h"

namespace millrace {

/// What a bound field holds.
enum class FieldKind : std::uint8_t { kString, kInteger, kDouble, kBool };

/// A field to find in a record, whatever the format.
struct FieldBinding {
  std::string name;
  FieldKind kind = FieldKind::kString;
  bool optional = false;      ///< may be missing or null
  std::int64_t minimum = 0;   ///< of an integer
  std::uint64_t maximum = 0;  ///< of an integer
};

/// The value found for a binding. `text` points into the record, or into the arena if it had
/// escapes.
struct FieldValue {
  enum class State : std::uint8_t { kMissing, kNull, kPresent };

  State state = State::kMissing;
  bool boolean = false;
  std::uint64_t integer = 0;  ///< two's complement where negative
  double number = 0;
  std::string_view text;
};

/// How much of a record is judged: up to the last bound field, or all of it.
enum class Strictness : std::uint8_t { kBoundFields, kWholeRecord };

/// A bit for each of `bindings`, the first the lowest: those that are still to be found. REQUIRES:
/// they are at most 64, all with different names.
std::uint64_t all_of(std::span<const FieldBinding> bindings);

/// What is still to be found in one record, and what an error means then: behind the last field
/// that must be there it only ends the search, unless the whole record is judged.
class FieldSearch {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  /// `all` is all_of(bindings).
  FieldSearch(std::span<const FieldBinding> bindings, std::uint64_t all, Strictness strictness)
      : bindings_(bindings), wanted_(all), whole_(strictness == Strictness::kWholeRecord) {}

  bool judges_all() const { return whole_; }
  /// Whether nothing is left to be read.
  bool is_over() const { return wanted_ == 0 && !whole_; }
  /// The first of the bindings still to be found for whose name `is_key` is true, or kNone.
  template <class IsKey>
  std::size_t find(IsKey&& is_key) const {
    for (std::uint64_t left = wanted_; left != 0; left &= left - 1) {
      const auto index = static_cast<std::size_t>(std::countr_zero(left));
      if (is_key(bindings_[index].name)) return index;
    }
    return kNone;
  }
  void found(std::size_t index) { wanted_ &= ~(std::uint64_t{1} << index); }

  /// The outcome of a record whose field at `index` has an error; resets `value`.
  DecodeOutcome failed(std::size_t index, RecordError error, FieldValue& value) const;
  /// The outcome of a record that is malformed from here on.
  DecodeOutcome malformed() const {
    return whole_ ? DecodeOutcome{RecordError::kMalformed, {}} : finish(RecordError::kMalformed);
  }
  /// The outcome of a record that ends here.
  DecodeOutcome ended() const { return finish(RecordError::kNone); }

 private:
  DecodeOutcome finish(RecordError otherwise) const;

  std::span<const FieldBinding> bindings_;
  std::uint64_t wanted_;  ///< a bit for each
  bool whole_;
};

/// Takes an integer if it is one that `binding` wants.
RecordError take_integer(bool negative, std::uint64_t magnitude, const FieldBinding& binding,
                         FieldValue& value);

/// Reads an integer written as JSON writes numbers, in the whole of `text`: no space, plus sign or
/// leading zeros. kFieldWrongType if it is no number. REQUIRES: kRecordPadding readable bytes
/// behind `text`.
RecordError read_integer(std::string_view text, const FieldBinding& binding, FieldValue& value);

/// As read_integer(), for a number with or without fraction and exponent.
RecordError read_double(std::string_view text, FieldValue& value);

}  // namespace millrace
