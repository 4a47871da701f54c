#pragma once

#include <cstdint>
#include <utility>

#include "millrace/framework/clock.h"
#include "millrace/framework/collector.h"
#include "millrace/framework/node_work.h"

namespace millrace {

/// Divides a task's time and output among its nodes: each gets what passes while it works, and
/// nothing of what passes while another does that it has handed a batch to. Looks at the clock
/// twice a batch. One thread.
class NodeMeter {
 public:
  /// Both must outlive the meter.
  NodeMeter(const Clock& clock, const Collector& collector)
      : clock_(clock), collector_(collector) {}
  NodeMeter(const NodeMeter&) = delete;
  NodeMeter& operator=(const NodeMeter&) = delete;

  /// A node works until the end of the scope. Turns nest as calls do.
  class Turn {
   public:
    Turn(NodeMeter& meter, NodeWork& work) : meter_(meter), before_(meter.change(&work)) {}
    ~Turn() { meter_.change(before_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    NodeMeter& meter_;
    NodeWork* const before_;
  };

 private:
  NodeWork* change(NodeWork* next) {
    const std::int64_t now_ns = clock_.monotonic_ns();
    if (works_ != nullptr) {
      works_->busy_ns += now_ns - since_ns_;
      works_->sent_records += collector_.sent_records() - sent_records_;
      works_->sent_bytes += collector_.sent_bytes() - sent_bytes_;
    }
    since_ns_ = now_ns;
    sent_records_ = collector_.sent_records();
    sent_bytes_ = collector_.sent_bytes();
    return std::exchange(works_, next);
  }

  const Clock& clock_;
  const Collector& collector_;
  NodeWork* works_ = nullptr;
  std::int64_t since_ns_ = 0;
  std::uint64_t sent_records_ = 0;
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace millrace
