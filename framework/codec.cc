#include "millrace/framework/codec.h"

namespace millrace {

std::string_view to_string(RecordError error) {
  switch (error) {
    case RecordError::kNone:
      return "none";
    case RecordError::kEmpty:
      return "empty";
    case RecordError::kMalformed:
      return "malformed";
    case RecordError::kRootNotObject:
      return "root-not-object";
    case RecordError::kFieldMissing:
      return "field-missing";
    case RecordError::kFieldNull:
      return "field-null";
    case RecordError::kFieldWrongType:
      return "field-wrong-type";
    case RecordError::kFieldNegative:
      return "field-negative";
    case RecordError::kFieldFractional:
      return "field-fractional";
    case RecordError::kFieldOutOfRange:
      return "field-out-of-range";
    case RecordError::kFieldInvalidUtf8:
      return "field-invalid-utf8";
    case RecordError::kTimestampJump:
      return "timestamp-jump";
    case RecordError::kUserException:
      return "user-exception";
    case RecordError::kOutOfOrder:
      return "out-of-order";
  }
  return "unknown";
}

}  // namespace millrace
