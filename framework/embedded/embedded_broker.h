#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace {

struct EmbeddedOptions {
  std::string directory;  ///< empty: everything lives in memory and dies with the broker
  Clock& clock;  ///< the only source of time: sessions, transactions, tombstones. Must outlive the
                 ///< broker
  LogSink& log;  ///< must outlive the broker
  /// false: wait() returns at once, for drivers that run everything on one thread with a manual
  /// clock.
  bool blocking_waits = true;
  /// A compacted log is not cleaned before it has taken this much since the last pass.
  std::size_t compaction_floor_bytes = 1 << 20;
  /// How much of the end of each partition a directory broker keeps in memory.
  std::size_t tail_bytes = 512 * 1024;
};

/// Opens a broker inside this process: Kafka's semantics (offsets, transactions, groups,
/// compaction) without Kafka, for demos, tests and simulation.
///
/// With a directory, what was committed, or delivered outside a transaction, survives the process,
/// kill -9 included (not power loss: the log is not fsynced). An open transaction does not: after a
/// restart it counts as aborted. One process per directory: another one gets kFailed.
/// `retention.ms` is kept, but nothing expires by age.
///
/// The broker has no threads: time-outs are applied by whoever calls next. Consumers wait in real
/// time. A plain producer's records reach the log at poll(), flush(), or 64 KiB per partition,
/// whichever comes first.
Result<std::unique_ptr<Broker>> open_embedded_broker(const EmbeddedOptions& options);

}  // namespace millrace
