#include "millrace/framework/embedded/sticky_assignment.h"

#include <algorithm>

namespace millrace::embedded {

Assignment assign_sticky(const std::vector<TopicPartition>& partitions,
                         const std::vector<std::string>& members, const Assignment& present) {
  Assignment assignment;
  if (members.empty()) return assignment;
  std::map<std::string, std::vector<TopicPartition>> kept;
  for (const std::string& member : members) kept[member];
  std::vector<TopicPartition> homeless;
  for (const TopicPartition& partition : partitions) {
    const auto owner = present.find(partition);
    const auto member = owner == present.end() ? kept.end() : kept.find(owner->second);
    if (member == kept.end())
      homeless.push_back(partition);
    else
      member->second.push_back(partition);
  }
  // The members that hold most get the quotas that are larger by one, which moves the fewest.
  std::vector<std::string> by_load = members;
  std::ranges::stable_sort(
      by_load, [&](const auto& a, const auto& b) { return kept[a].size() > kept[b].size(); });
  const std::size_t quota = partitions.size() / members.size();
  const std::size_t larger = partitions.size() % members.size();
  const auto quota_of = [&](std::size_t rank) { return quota + (rank < larger ? 1 : 0); };
  for (std::size_t rank = 0; rank < by_load.size(); ++rank) {
    auto& mine = kept[by_load[rank]];
    while (mine.size() > quota_of(rank)) {
      homeless.push_back(mine.back());
      mine.pop_back();
    }
  }
  std::ranges::sort(homeless);
  auto next = homeless.begin();
  for (std::size_t rank = 0; rank < by_load.size(); ++rank) {
    auto& mine = kept[by_load[rank]];
    while (mine.size() < quota_of(rank)) mine.push_back(*next++);
    for (const TopicPartition& partition : mine) assignment.emplace(partition, by_load[rank]);
  }
  return assignment;
}

}  // namespace millrace::embedded
