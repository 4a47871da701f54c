#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/source_status.h"
#include "millrace/framework/status.h"

/// Values of repartition topics: a version byte, a kind byte, then data or a source's word.
namespace millrace {

enum class RepartitionKind : std::uint8_t { kData = 0, kWord = 1 };

struct RepartitionRecord {
  RepartitionKind kind = RepartitionKind::kData;
  SourceWord word;                       ///< of kWord
  std::int64_t event_time_ms = kNoTime;  ///< of kData
  std::int64_t watermark_ms =
      kNoTime;               ///< of kData: the original partition's own, before the record
  std::string_view payload;  ///< of kData; a view into what was decoded
};

/// Appends the header of a data record; the payload follows.
void begin_repartition_data(std::int64_t event_time_ms, std::int64_t watermark_ms,
                            std::string& out);
void encode_source_word(const SourceWord& word, std::string& out);
/// kFailed names an unknown version or a truncated record.
Result<RepartitionRecord> decode_repartition_record(std::string_view value);

}  // namespace millrace
