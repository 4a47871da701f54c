#pragma once

#include <cstdint>

#include "millrace/framework/application_config.h"
#include "millrace/framework/broker.h"
#include "millrace/framework/source_partition.h"

namespace millrace {

/// Judges a poll of a source that failed, by where its log begins and ends now. The offset to go on
/// at: where it is, if the log has that; or where the log begins, if records were deleted before
/// they were read and the policy is to skip them. Else the error to end with. kRetry: the broker is
/// away.
///
/// Topics between two sub-topologies (`internal`) are never skipped: they also carry time.
Result<std::int64_t> begin_behind_loss(Admin& admin, const SourcePartition& source,
                                       const ApplicationConfig& config, bool internal);

/// kFailed: the committed `offset` lies behind the `end` of its log, which so is not the log that
/// was read. What of it was counted cannot be told, so no policy goes on from here.
Status behind_the_end(const TopicPartition& partition, std::int64_t offset, std::int64_t end,
                      const ApplicationConfig& config);

}  // namespace millrace
