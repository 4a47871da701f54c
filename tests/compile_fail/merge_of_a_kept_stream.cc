// expect: merge(a, b, ...) uses its streams up: write merge(std::move(a), std::move(b))
#include "millrace/operators/codec/text.h"
#include "millrace/operators/merge.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
  auto other = topology.source("texts", millrace::text());
#ifdef MISUSE
  [[maybe_unused]] auto merged = millrace::merge(millrace::frames(topology), other);
#else
  [[maybe_unused]] auto merged = millrace::merge(millrace::frames(topology), std::move(other));
#endif
}
