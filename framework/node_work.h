#pragma once

#include <cstdint>

namespace millrace {

/// What a node of a task has done since the task runs here. Plain numbers that only grow: what was
/// aborted stays in them, and counts again when it is done again. One thread.
struct NodeWork {
  std::uint64_t batches = 0;       ///< taken from a topic or an inner edge
  std::uint64_t read_bytes = 0;    ///< keys and values, of a node that reads a topic
  std::uint64_t sent_records = 0;  ///< to topics, also to that of dead letters
  std::uint64_t sent_bytes = 0;    ///< keys and values of these
  std::int64_t busy_ns = 0;        ///< without what it hands on to nodes behind inner edges
  /// A sample of its batches: how long decoding took, and all until the batch was through the task.
  std::int64_t sampled_decoding_ns = 0;
  std::int64_t sampled_ns = 0;

  bool operator==(const NodeWork&) const = default;
};

}  // namespace millrace
