#include "millrace/framework/offset_metadata_format.h"

#include <fmt/format.h>

#include "millrace/framework/base64.h"
#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 3;
constexpr std::string_view kPrefix = "millrace:";
}  // namespace

std::string encode_offset_metadata(const OffsetMetadata& metadata) {
  std::string bytes;
  ByteWriter out(bytes);
  out.put(kVersion)
      .put(metadata.highest_ms)
      .put(metadata.run)
      .put(metadata.end_offset)
      .put(metadata.ended)
      .put(static_cast<std::uint8_t>(metadata.said))
      .put(metadata.life)
      .put(metadata.commit_id)
      .put(metadata.counters.accepted)
      .put(metadata.counters.late)
      .put(metadata.counters.dead_lettered)
      .put(metadata.counters.early_closes)
      .put(metadata.counters.dropped_after_close)
      .put(metadata.counters.lost)
      .put(metadata.counters.merged)
      .put(metadata.counters.out_of_order)
      .put(static_cast<std::uint8_t>(metadata.counters.late_by_window.size()));
  for (const std::uint64_t count : metadata.counters.late_by_window) out.put(count);
  out.text(metadata.topology).text(metadata.writer).text(metadata.note);
  return std::string(kPrefix) + to_base64(bytes);
}

Result<OffsetMetadata> decode_offset_metadata(std::string_view text) {
  OffsetMetadata metadata;
  if (text.empty()) return metadata;
  const auto damaged = [&] {
    return Status::failed(
        fmt::format("committed offset metadata '{}' is not Millrace's: another consumer uses this "
                    "group; choose another "
                    "--application-id or reset it",
                    text.substr(0, 40)));
  };
  if (!text.starts_with(kPrefix)) return damaged();
  const auto bytes = from_base64(text.substr(kPrefix.size()));
  if (!bytes) return damaged();
  ByteReader in(*bytes);
  if (const auto version = in.get<std::uint8_t>(); version != kVersion)
    return Status::failed(
        fmt::format("committed offset metadata has version {}, this program knows {}: use the "
                    "program that wrote it, or reset the application",
                    version, kVersion));
  metadata.highest_ms = in.get<std::int64_t>();
  metadata.run = in.get<std::uint32_t>();
  metadata.end_offset = in.get<std::int64_t>();
  metadata.ended = in.get<bool>();
  const auto said = in.get<std::uint8_t>();
  if (said > static_cast<std::uint8_t>(SourceStatus::kEnded)) return damaged();
  metadata.said = static_cast<SourceStatus>(said);
  metadata.life = in.get<std::uint64_t>();
  metadata.commit_id = in.get<std::uint64_t>();
  metadata.counters.accepted = in.get<std::uint64_t>();
  metadata.counters.late = in.get<std::uint64_t>();
  metadata.counters.dead_lettered = in.get<std::uint64_t>();
  metadata.counters.early_closes = in.get<std::uint64_t>();
  metadata.counters.dropped_after_close = in.get<std::uint64_t>();
  metadata.counters.lost = in.get<std::uint64_t>();
  metadata.counters.merged = in.get<std::uint64_t>();
  metadata.counters.out_of_order = in.get<std::uint64_t>();
  metadata.counters.late_by_window.resize(in.get<std::uint8_t>());
  for (std::uint64_t& count : metadata.counters.late_by_window) count = in.get<std::uint64_t>();
  metadata.topology = in.text();
  metadata.writer = in.text();
  metadata.note = in.text();
  if (!in.done()) return damaged();
  return metadata;
}

}  // namespace millrace
