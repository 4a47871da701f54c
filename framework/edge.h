#pragma once

#include <cstdint>
#include <span>

#include "millrace/framework/record_info.h"

namespace millrace {

/// An inner edge: typed batches from one node to the next one of the same task, without encoding.
/// Values and infos are borrowed for the call. One virtual call a batch.
template <class T>
class Edge {
 public:
  virtual ~Edge() = default;
  /// REQUIRES: values.size() == infos.size().
  virtual void push(std::span<const T> values, std::span<const RecordInfo> infos) = 0;
  /// Event time has reached `watermark_ms`; never falls but for an abort.
  virtual void watermark(std::int64_t watermark_ms) = 0;
};

/// Names an edge of the graph and, by its type, what flows through it.
template <class T>
struct EdgeId {
  int index = -1;
};

}  // namespace millrace
