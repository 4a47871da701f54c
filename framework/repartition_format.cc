#include "millrace/framework/repartition_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {
constexpr std::uint8_t kVersion = 1;
}

std::string_view to_string(SourceStatus status) {
  switch (status) {
    case SourceStatus::kActive:
      return "active";
    case SourceStatus::kIdle:
      return "idle";
    case SourceStatus::kEnded:
      return "ended";
  }
  return "unknown";
}

void begin_repartition_data(std::int64_t event_time_ms, std::int64_t watermark_ms,
                            std::string& out) {
  ByteWriter(out)
      .put(kVersion)
      .put(static_cast<std::uint8_t>(RepartitionKind::kData))
      .put(event_time_ms)
      .put(watermark_ms);
}

void encode_source_word(const SourceWord& word, std::string& out) {
  ByteWriter(out)
      .put(kVersion)
      .put(static_cast<std::uint8_t>(RepartitionKind::kWord))
      .put(word.source)
      .put(word.sources)
      .put(word.run)
      .put(word.watermark_ms)
      .put(static_cast<std::uint8_t>(word.status))
      .put(word.settled_ms);
}

Result<RepartitionRecord> decode_repartition_record(std::string_view value) {
  ByteReader in(value);
  const auto version = in.get<std::uint8_t>();
  if (in.ok() && version != kVersion)
    return Status::failed(
        fmt::format("repartition record has version {}, this program knows {}: drain the topic "
                    "with the program that wrote it",
                    version, kVersion));
  RepartitionRecord record;
  const auto kind = in.get<std::uint8_t>();
  record.kind = static_cast<RepartitionKind>(kind);
  if (kind == static_cast<std::uint8_t>(RepartitionKind::kData)) {
    record.event_time_ms = in.get<std::int64_t>();
    record.watermark_ms = in.get<std::int64_t>();
    record.payload = in.rest();
    if (in.ok()) return record;
  } else if (kind == static_cast<std::uint8_t>(RepartitionKind::kWord)) {
    record.word.source = in.get<std::int32_t>();
    record.word.sources = in.get<std::int32_t>();
    record.word.run = in.get<std::uint32_t>();
    record.word.watermark_ms = in.get<std::int64_t>();
    const auto status = in.get<std::uint8_t>();
    record.word.status = static_cast<SourceStatus>(status);
    record.word.settled_ms = in.get<std::int64_t>();
    if (in.done() && status <= static_cast<std::uint8_t>(SourceStatus::kEnded)) return record;
  }
  return Status::failed(fmt::format("repartition record of {} bytes is damaged", value.size()));
}

}  // namespace millrace
