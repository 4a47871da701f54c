#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/apps/millrace/record_source.h"
#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/codec/msgpack.h"

namespace millrace::tool {

enum class Partitioner { kRoundRobin, kHash, kContiguous };

/// Where a record goes. The key is null where there is none; it dies at the next route().
struct Route {
  std::int32_t partition = 0;
  std::string_view key;
};

/// Chooses partition and key of records. Not thread-safe.
class RecordRouter {
 public:
  /// `key_field` empty: no keys; else a field of JSON lines or of MessagePack maps. `size` is that
  /// of the whole file: kContiguous cuts it into equal stretches of bytes, and a record belongs to
  /// the one in which it begins. REQUIRES: partitions > 0; kHash has a key field.
  RecordRouter(Partitioner partitioner, std::int32_t partitions, const std::string& key_field,
               Framing framing, std::int64_t size);

  /// REQUIRES: kRecordPadding readable bytes behind `value`. `offset` is where it begins in
  /// the file.
  Route route(std::string_view value, std::int64_t offset);
  /// Records in which the key field was not found: they get no key, and under kHash take the
  /// partitions in turn.
  std::int64_t without_key() const { return without_key_; }

 private:
  struct Keyed {
    std::string_view key;
  };
  using KeyField = BoundField<Keyed, std::string_view>;

  std::string_view key_of(std::string_view value);
  std::int32_t next_in_turn();

  const Partitioner partitioner_;
  const std::int32_t partitions_;
  const bool keyed_;
  const std::int64_t size_;
  const Framing framing_;
  JsonCodec<Keyed, KeyField> json_;
  MsgpackCodec<Keyed, KeyField> msgpack_;
  Arena arena_;
  std::int32_t turn_ = 0;
  std::int64_t without_key_ = 0;
};

}  // namespace millrace::tool
