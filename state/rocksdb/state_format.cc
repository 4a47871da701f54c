#include "millrace/state/rocksdb/state_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {

constexpr std::uint8_t kStampVersion = 1;
constexpr std::uint8_t kPositionVersion = 2;

Status unknown_version(std::string_view what, int version, int known) {
  return Status::failed(
      fmt::format("{} has version {}, this program knows {}: use the program that wrote it, or "
                  "start over (millrace reset)",
                  what, version, known));
}

}  // namespace

std::string encode_state_stamp(const StateStamp& stamp) {
  std::string bytes;
  ByteWriter(bytes).put(kStampVersion).text(stamp.application_id).text(stamp.topology_fingerprint);
  return bytes;
}

Result<StateStamp> decode_state_stamp(std::string_view bytes) {
  ByteReader in(bytes);
  const auto version = in.get<std::uint8_t>();
  if (in.ok() && version != kStampVersion)
    return unknown_version("its stamp", version, kStampVersion);
  StateStamp stamp;
  stamp.application_id = in.text();
  stamp.topology_fingerprint = in.text();
  if (!in.done())
    return Status::failed(
        "its stamp is damaged: remove the directory, and state is restored from the changelogs");
  return stamp;
}

std::string encode_store_position(const StorePosition& position) {
  std::string bytes;
  ByteWriter(bytes)
      .put(kPositionVersion)
      .put(position.offset)
      .put(position.complete_ms)
      .put(position.life);
  return bytes;
}

Result<StorePosition> decode_store_position(std::string_view bytes) {
  ByteReader in(bytes);
  const auto version = in.get<std::uint8_t>();
  if (in.ok() && version != kPositionVersion)
    return unknown_version("the position of a store", version, kPositionVersion);
  StorePosition position;
  position.offset = in.get<std::int64_t>();
  position.complete_ms = in.get<std::int64_t>();
  position.life = in.get<std::uint64_t>();
  if (!in.done() || position.offset < 0)
    return Status::failed("the position of a store is damaged");
  return position;
}

}  // namespace millrace
