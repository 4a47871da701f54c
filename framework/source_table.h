#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "millrace/framework/source_status.h"
#include "millrace/framework/task_state.h"

namespace millrace {

/// What a reader of a repartition topic knows of its sources' time, kept in the reader's store
/// (design §5.3). One thread.
class SourceTable {
 public:
  /// Keys of sources start with this byte in the store.
  static constexpr char kPrefix = 's';

  /// How the sources judge time. kWatermarks: each word carries its own partition's watermark, the
  /// reader judges. kLevels: the sources are readers themselves and send the level that they
  /// emitted by (design §7, stage 3).
  enum class Words { kWatermarks, kLevels };

  /// `store` must outlive the table. Loads what is there.
  SourceTable(KeyValueStore& store, Words words);
  /// Of a task that is its own only source: keeps nothing, what it hears is known again after a
  /// restart.
  SourceTable() = default;

  /// Takes a source's latest word in.
  void hear(const SourceWord& word);
  /// Reads everything again from the store, or forgets it without one: after an abort.
  void reload();

  /// All sources of the latest run have been heard of; until then nothing is emitted.
  bool complete() const;
  /// The latest run heard of; 0: none.
  std::uint32_t run() const;

  struct Level {
    std::int64_t closes = kNoTime;  ///< what closes by this may be emitted
    std::int64_t exact =
        kNoTime;  ///< of that, what closes by this was held back by no idle or ended source
  };
  /// The level at wall clock `now_ms`: the minimum over active sources; when none is active, what
  /// the wall clock (minus `lateness_ms`) or every partition's own watermark has passed; kEndOfTime
  /// when all have ended.
  Level level(std::int64_t now_ms, std::int64_t lateness_ms) const;

  /// By which no source sends anything any more; kNoTime while a source has never been heard of.
  std::int64_t settled() const;
  /// What at least one source's own watermark has passed; kNoTime for kLevels.
  std::int64_t highest_watermark() const;
  /// Of the sources of the latest run; kEnded only if all have ended.
  SourceStatus status() const;

 private:
  std::vector<SourceWord> heard() const;
  Level watermark_level(std::int64_t wall_ms) const;
  Level relayed_level(std::int64_t wall_ms) const;

  KeyValueStore* store_ = nullptr;  ///< null: nothing is kept
  Words kind_ = Words::kWatermarks;
  std::map<std::int32_t, SourceWord> words_;
};

}  // namespace millrace
