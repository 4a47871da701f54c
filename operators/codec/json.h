#pragma once

#include <string>
#include <utility>

#include "millrace/framework/codec.h"
#include "millrace/operators/codec/field.h"
#include "millrace/operators/codec/json_reader.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {

/// Reads and writes T as a JSON object with the fields bound. Made by json(). Copies have their own
/// parser; one thread each.
///
/// What makes a record good is said at JsonReader. Decoded string_views live as long as the batch.
template <class T, class... Fields>
class JsonCodec {
 public:
  using value_type = T;

  explicit JsonCodec(Fields... fields)
      : JsonCodec(FieldSet<Fields...>{std::move(fields)...}, Strictness::kBoundFields) {}

  /// Returns a copy that also refuses a record with an error anywhere else in it.
  JsonCodec strict() const { return {fields_, Strictness::kWholeRecord}; }

  DecodeOutcome decode(const RecordView& record, Arena& arena, T& value) {
    typename FieldSet<Fields...>::Values found;
    const DecodeOutcome outcome = reader_.read(record, arena, found);
    if (outcome.ok()) fields_.assign(found, value);
    return outcome;
  }

  /// Appends a compact object with the fields in the order of binding; empty optionals are left
  /// out.
  void encode(const T& value, std::string& out) const {
    JsonWriter writer{out};
    writer.begin_object();
    fields_.for_each(value, [&](const std::string& name, const auto& member) {
      if (field_detail::is_present(member)) field_detail::write(member, writer.key(name));
    });
    writer.end_object();
  }

  /// "json(ts, uid)", or "json(ts, uid).strict()".
  std::string describe() const {
    return describe_fields("json", reader_.bindings(), reader_.strictness());
  }

 private:
  JsonCodec(FieldSet<Fields...> fields, Strictness strictness)
      : fields_(std::move(fields)), reader_(fields_.bindings(), strictness) {}

  FieldSet<Fields...> fields_;
  JsonReader reader_;
};

/// A codec for objects of the fields given, at most 64:
///
///     json<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid))
template <class T, class... Classes, class... Members>
JsonCodec<T, BoundField<Classes, Members>...> json(BoundField<Classes, Members>... fields) {
  check_fields<T, Classes...>();
  return JsonCodec<T, BoundField<Classes, Members>...>{std::move(fields)...};
}

}  // namespace millrace
