#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "millrace/tests/kit/simulator.h"

namespace millrace {

/// Somebody else's producers: they write batches into an input topic, plain ones, or transactions
/// that are committed or aborted some time later.
class TransactionalFeed {
 public:
  explicit TransactionalFeed(Simulator& simulator) : simulator_(simulator) {}

  /// Writes `count` records into a partition; `fill` makes each (topic and partition are set).
  void write(const std::string& topic, std::int32_t partition, std::int64_t count,
             const std::function<void(OutgoingRecord& record, std::string& value)>& fill);
  /// Ends the transactions whose time has come, or all.
  void end(bool all);

 private:
  struct Open {
    std::unique_ptr<Producer> producer;
    std::int64_t until_ms;
    bool commit;
  };

  Simulator& simulator_;
  std::vector<Open> open_;
  int count_ = 0;
};

}  // namespace millrace
