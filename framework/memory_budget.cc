#include "millrace/framework/memory_budget.h"

#include <algorithm>

namespace millrace {

/// What is kept does not see what can be repeated, which gives way as soon as it is looked at; but
/// an eighth is left to it, lest it be forgotten again and again for nothing.
std::size_t MemoryBudget::limit(MemoryUse use) {
  const std::size_t left = bytes_ / 8;
  if (use == MemoryUse::kKept) return bytes_ - left;
  const std::size_t kept = total(MemoryUse::kKept).held;
  return std::max(left, bytes_ - std::min(bytes_, kept));
}

std::size_t MemoryBudget::change(MemoryUse use, std::size_t before, std::size_t now) {
  const std::lock_guard lock(mutex_);
  Total& mine = total(use);
  if (now != before) {
    mine.held = mine.held - before + now;
    mine.holders = mine.holders + (now > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
    if (changed_) changed_(totals_[0].held + totals_[1].held);
  }
  const std::size_t most = limit(use);
  if (mine.held <= most) return kNoLimit;
  // Somewhat less than there is, so that this is not said again at once.
  const std::size_t goal = most - most / 8;
  const std::size_t others = mine.held - now;
  const std::size_t equal = goal / std::max<std::size_t>(mine.holders, 1);
  return std::max(equal, others < goal ? goal - others : 0);
}

}  // namespace millrace
