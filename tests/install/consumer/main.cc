#include "millrace/millrace.h"
#include "millrace/state/rocksdb/rocksdb_state.h"

using namespace millrace;

int main() {
  TopologyBuilder topology{"long-lines"};
  topology.source("lines", text()) |
      filter([](std::string_view line) { return line.size() > 80; }) | to("long-lines", text());
  const SystemClock clock;
  RocksdbState state({.directory = "state", .clock = clock, .log = null_log()});
  return topology.build().ok() && state.factory() ? 0 : 1;
}
