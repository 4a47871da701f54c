#include "millrace/framework/run_counters.h"

namespace millrace {

void RunCounters::add(const RunCounters& other) {
  accepted += other.accepted;
  late += other.late;
  dead_lettered += other.dead_lettered;
  early_closes += other.early_closes;
  dropped_after_close += other.dropped_after_close;
  lost += other.lost;
  merged += other.merged;
  out_of_order += other.out_of_order;
  if (late_by_window.size() < other.late_by_window.size())
    late_by_window.resize(other.late_by_window.size());
  for (std::size_t i = 0; i < other.late_by_window.size(); ++i)
    late_by_window[i] += other.late_by_window[i];
}

}  // namespace millrace
