#pragma once

#include <string>
#include <utility>

#include "millrace/framework/codec.h"
#include "millrace/operators/codec/csv_reader.h"
#include "millrace/operators/codec/csv_writer.h"
#include "millrace/operators/codec/field.h"

namespace millrace {

/// Reads and writes T as one CSV record with the fields bound. Made by csv().
///
/// What makes a record good is said at CsvReader. Decoded string_views live as long as the batch.
template <class T, class... Fields>
class CsvCodec {
 public:
  using value_type = T;

  explicit CsvCodec(CsvOptions options, Fields... fields)
      : CsvCodec(std::move(options), FieldSet<Fields...>{std::move(fields)...},
                 Strictness::kBoundFields) {}

  /// Returns a copy that also refuses a record with an error anywhere else in it, or with another
  /// number of columns.
  CsvCodec strict() const { return {options_, fields_, Strictness::kWholeRecord}; }

  DecodeOutcome decode(const RecordView& record, Arena& arena, T& value) const {
    typename FieldSet<Fields...>::Values found;
    const DecodeOutcome outcome = reader_.read(record, arena, found);
    if (outcome.ok()) fields_.assign(found, value);
    return outcome;
  }

  /// Appends all columns, without a line end; empty optionals and columns that no field is bound to
  /// are empty.
  void encode(const T& value, std::string& out) const {
    CsvWriter writer{out, options_.separator};
    for (const int bound : reader_.columns()) {
      writer.column();
      if (bound == CsvReader::kUnbound) continue;
      fields_.visit(static_cast<std::size_t>(bound), value, [&](const auto& member) {
        if (field_detail::is_present(member)) field_detail::write(member, writer);
      });
    }
  }

  /// "csv(ts, uid)", or "csv(ts, uid).strict()".
  std::string describe() const {
    return describe_fields("csv", reader_.bindings(), reader_.strictness());
  }

 private:
  CsvCodec(CsvOptions options, FieldSet<Fields...> fields, Strictness strictness)
      : options_(std::move(options)),
        fields_(std::move(fields)),
        reader_(fields_.bindings(), options_, strictness) {}

  CsvOptions options_;
  FieldSet<Fields...> fields_;
  CsvReader reader_;
};

/// A codec for records with the columns that `options` say, of which at most 64 are bound:
///
///     csv<Frame>({.header = "id;ts;page;uid", .separator = ';'}, field("ts", &Frame::ts),
///                field("uid", &Frame::uid))
template <class T, class... Classes, class... Members>
CsvCodec<T, BoundField<Classes, Members>...> csv(CsvOptions options,
                                                 BoundField<Classes, Members>... fields) {
  check_fields<T, Classes...>();
  return CsvCodec<T, BoundField<Classes, Members>...>{std::move(options), std::move(fields)...};
}

/// A codec for records whose first columns are the fields given, in this order:
///
///     csv<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid))
template <class T, class... Classes, class... Members>
CsvCodec<T, BoundField<Classes, Members>...> csv(BoundField<Classes, Members>... fields) {
  check_fields<T, Classes...>();
  return CsvCodec<T, BoundField<Classes, Members>...>{CsvOptions{}, std::move(fields)...};
}

}  // namespace millrace
