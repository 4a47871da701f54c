#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "millrace/framework/node_work.h"
#include "millrace/framework/record.h"
#include "millrace/framework/record_batch.h"

namespace millrace {

class SourcePartition;
class TaskContext;

/// One instance of a node of the topology, in one task. One thread at a time.
///
/// The task calls: open() once, in the order from sinks to sources; then any number of turns;
/// flush() as step 1 of each commit, in the order from sources to sinks; then committed() or
/// aborted().
class Node {
 public:
  virtual ~Node() = default;
  virtual void open(TaskContext&) {}
  /// Event time has reached this, for nodes that head a chain of their task.
  virtual void watermark(std::int64_t) {}
  /// After each batch of the task, for nodes that hold values back: passes on those whose turn has
  /// come.
  virtual void advance() {}
  /// Sends what must be in this commit.
  virtual void flush() {}
  virtual void committed() {}
  /// Everything since the last commit did not happen; stores are already back where they were.
  virtual void aborted() {}
  /// Appends how many records have come to each of its operators, in the order of
  /// NodeSpec::operators; and behind them how many it has passed on, unless the last operator is
  /// its end. All of them only grow, as NodeWork does.
  virtual void count_records(std::vector<std::uint64_t>&) const {}

  /// Its batches are counted by who runs it, and by itself where it takes them from an inner edge.
  NodeWork work;
};

/// A node that reads a topic.
class SourceNode : public Node {
 public:
  /// Runs records of one partition through the node, up to the first one that `source` holds back
  /// or that stops the task. Returns how many were dealt with, that one not included. `arena` lives
  /// as long as the records.
  virtual std::size_t process(std::span<const RecordView> records, Arena& arena,
                              SourcePartition& source) = 0;
  /// So many records at most at a time.
  virtual std::size_t most_records() const { return std::numeric_limits<std::size_t>::max(); }
  /// A record holds many values: it is not refused for what one of them does.
  virtual bool many_in_one() const { return false; }
};

}  // namespace millrace
