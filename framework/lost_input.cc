#include "millrace/framework/lost_input.h"

#include <fmt/format.h>

#include <string>

namespace millrace {
namespace {

std::string cannot_be_read(const TopicPartition& partition, std::int64_t offset) {
  return fmt::format("topic '{}', partition {}: offset {} cannot be read", partition.topic,
                     partition.partition, offset);
}

}  // namespace

Result<std::int64_t> begin_behind_loss(Admin& admin, const SourcePartition& source,
                                       const ApplicationConfig& config, bool internal) {
  const TopicPartition& partition = source.partition();
  const auto begin = admin.list_offsets({&partition, 1}, OffsetSpec::kEarliest);
  if (!begin.ok()) return begin.status();
  const auto end = admin.list_offsets({&partition, 1}, OffsetSpec::kLatest);
  if (!end.ok()) return end.status();
  if (source.position() > end->front())
    return behind_the_end(partition, source.position(), end->front(), config);
  if (source.position() >= begin->front()) return source.position();
  if (config.on_lost_input == LostInputPolicy::kSkip && !internal) return begin->front();
  return Status::failed(fmt::format(
      "{}: the log begins at {}: {} records were deleted, by retention or by hand, "
      "before they were read: nothing was committed beyond it; start over with what is "
      "there (millrace reset --application-id {}){}, and keep the topic's records "
      "longer",
      cannot_be_read(partition, source.offset()), begin->front(), begin->front() - source.offset(),
      config.application_id, internal ? "" : ", or go on without them (--on-lost-input skip)"));
}

Status behind_the_end(const TopicPartition& partition, std::int64_t offset, std::int64_t end,
                      const ApplicationConfig& config) {
  return Status::failed(
      fmt::format("{}: the log ends at {}: it lost records, or the topic was made anew: what of "
                  "it was counted cannot be told; start over with what is there (millrace reset "
                  "--application-id {})",
                  cannot_be_read(partition, offset), end, config.application_id));
}

}  // namespace millrace
