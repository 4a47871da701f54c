#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "millrace/framework/codec.h"
#include "millrace/operators/codec/field.h"
#include "millrace/operators/codec/msgpack_reader.h"
#include "millrace/operators/codec/msgpack_writer.h"

namespace millrace {

/// Reads and writes T as a MessagePack map with the fields bound. Made by msgpack().
///
/// What makes a record good is said at MsgpackReader. Decoded string_views live as long as the
/// batch.
template <class T, class... Fields>
class MsgpackCodec {
 public:
  using value_type = T;

  explicit MsgpackCodec(Fields... fields)
      : MsgpackCodec(FieldSet<Fields...>{std::move(fields)...}, Strictness::kBoundFields) {}

  /// Returns a copy that also refuses a record with an error anywhere else in it, or with something
  /// behind its map.
  MsgpackCodec strict() const { return {fields_, Strictness::kWholeRecord}; }

  DecodeOutcome decode(const RecordView& record, Arena&, T& value) const {
    typename FieldSet<Fields...>::Values found;
    const DecodeOutcome outcome = reader_.read(record, found);
    if (outcome.ok()) fields_.assign(found, value);
    return outcome;
  }

  /// Appends a map with the fields in the order of binding; empty optionals are left out.
  void encode(const T& value, std::string& out) const {
    std::uint32_t present = 0;
    fields_.for_each(value, [&](const std::string&, const auto& member) {
      present += field_detail::is_present(member) ? 1 : 0;
    });
    MsgpackWriter writer{out};
    writer.map(present);
    fields_.for_each(value, [&](const std::string& name, const auto& member) {
      if (field_detail::is_present(member)) field_detail::write(member, writer.key(name));
    });
  }

  /// "msgpack(ts, uid)", or "msgpack(ts, uid).strict()".
  std::string describe() const {
    return describe_fields("msgpack", reader_.bindings(), reader_.strictness());
  }

 private:
  MsgpackCodec(FieldSet<Fields...> fields, Strictness strictness)
      : fields_(std::move(fields)), reader_(fields_.bindings(), strictness) {}

  FieldSet<Fields...> fields_;
  MsgpackReader reader_;
};

/// A codec for MessagePack maps of the fields given, at most 64:
///
///     msgpack<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid))
template <class T, class... Classes, class... Members>
MsgpackCodec<T, BoundField<Classes, Members>...> msgpack(BoundField<Classes, Members>... fields) {
  check_fields<T, Classes...>();
  return MsgpackCodec<T, BoundField<Classes, Members>...>{std::move(fields)...};
}

}  // namespace millrace
