#include "millrace/apps/program/http/observation.h"

namespace millrace {

RunCounters Observation::counters() const {
  RunCounters sum;
  for (const auto& thread : status.threads) sum.add(thread->counters);
  return sum;
}

RefusalCounts Observation::refused() const {
  RefusalCounts sum{};
  for (const auto& thread : status.threads)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += thread->refused[i];
  return sum;
}

MemoryUsage Observation::memory() const {
  MemoryUsage sum = stores;
  for (const auto& thread : status.threads) sum.add(thread->memory);
  return sum;
}

}  // namespace millrace
