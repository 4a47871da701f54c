#include "millrace/operators/keyed_fold.h"

namespace millrace::fold_detail {

void warn_of_missing_key(const TaskContext& context, const RecordInfo& first,
                         const std::string& store) {
  const TopicPartition& source =
      context.source_partitions[static_cast<std::size_t>(first.source)]->partition();
  context.log().write(
      LogLevel::kWarning,
      "records without a key are left out of an aggregation: give them one by key_by(f)",
      {{"store", store},
       {"topic", source.topic},
       {"partition", source.partition},
       {"offset", first.offset}});
}

std::unique_ptr<KeyedWindows> make_windows(const FoldOptions& options, bool emits_final,
                                           KeyedWindows::Sink sink) {
  KeyedWindows::Options board;
  board.plan = options.plan;
  board.store = options.store;
  board.lateness_ms = options.lateness_ms;
  board.emits_final = emits_final;
  return std::make_unique<KeyedWindows>(std::move(board), std::move(sink));
}

std::int64_t level_of(const KeyedWindows& windows, std::int64_t watermark_ms) {
  SourceWord word;
  word.watermark_ms = watermark_ms;
  windows.limit(word);
  return word.watermark_ms;
}

}  // namespace millrace::fold_detail
