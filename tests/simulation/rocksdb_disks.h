#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "millrace/framework/log.h"
#include "millrace/state/rocksdb/rocksdb_state.h"
#include "millrace/tests/kit/simulator.h"
#include "millrace/tests/temporary_directory.h"

namespace millrace {

/// Real state directories of simulated processes. Outlives their simulator.
class RocksdbDisks {
 public:
  /// Makes the processes of a simulator keep their state here.
  void use(Simulator::Options& options);

 private:
  TemporaryDirectory directory_{memory_directory()};
  std::map<std::string, std::unique_ptr<RocksdbState>> processes_;
};

}  // namespace millrace
