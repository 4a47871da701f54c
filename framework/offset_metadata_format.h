#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/record_info.h"
#include "millrace/framework/run_counters.h"
#include "millrace/framework/source_status.h"
#include "millrace/framework/status.h"

namespace millrace {

/// What is committed with an input offset: the durable home of a partition's time, run and
/// counters. Text (base64 of a versioned little-endian record, since brokers keep a string), under
/// 1 KB.
struct OffsetMetadata {
  static constexpr std::size_t kNoteBytes = 300;

  std::int64_t highest_ms = kNoTime;  ///< highest accepted event time; source topics only
  std::uint32_t run = 0;
  std::int64_t end_offset = -1;  ///< of the bounded run; -1: none
  bool ended = false;
  /// Of a gathered repartition topic: what its writer said last. (`ended` waits for what is held
  /// back.)
  SourceStatus said = SourceStatus::kActive;
  /// Of the task: drawn before its first commit, the same until its offsets are deleted. State that
  /// carries another one is of an earlier life.
  std::uint64_t life = 0;
  std::uint64_t commit_id = 0;  ///< random, the same in all tasks of one commit
  RunCounters counters;
  std::string topology;  ///< fingerprint of the topology that committed
  std::string writer;    ///< transactional id of the producer that committed
  std::string note;      ///< bytes of the node that holds records back; at most kNoteBytes

  bool operator==(const OffsetMetadata&) const = default;
};

std::string encode_offset_metadata(const OffsetMetadata& metadata);
/// An empty text (never committed by us) gives the defaults. kFailed names an unknown version or
/// damage.
Result<OffsetMetadata> decode_offset_metadata(std::string_view text);

}  // namespace millrace
