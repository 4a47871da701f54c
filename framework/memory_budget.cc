#include "millrace/framework/memory_budget.h"

#include <algorithm>

namespace millrace {

std::size_t MemoryBudget::change(std::size_t before, std::size_t now) {
  const std::lock_guard lock(mutex_);
  if (now != before) {
    held_ = held_ - before + now;
    holders_ = holders_ + (now > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
    if (changed_) changed_(held_);
  }
  if (held_ <= bytes_) return kNoLimit;
  // Somewhat less than there is, so that this is not said again at once.
  const std::size_t goal = bytes_ - bytes_ / 8;
  const std::size_t others = held_ - now;
  const std::size_t equal = goal / std::max<std::size_t>(holders_, 1);
  return std::max(equal, others < goal ? goal - others : 0);
}

}  // namespace millrace
