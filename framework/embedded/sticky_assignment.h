#pragma once

#include <map>
#include <string>
#include <vector>

#include "millrace/framework/record.h"

namespace millrace::embedded {

/// Which member shall own which partition.
using Assignment = std::map<TopicPartition, std::string>;

/// Spreads the partitions evenly over the members (counts differ by at most one), moving as few as
/// possible away from `present`. Deterministic. REQUIRES: members are sorted and distinct. Without
/// members nothing is assigned.
Assignment assign_sticky(const std::vector<TopicPartition>& partitions,
                         const std::vector<std::string>& members, const Assignment& present);

}  // namespace millrace::embedded
