// expect: merge(a, b, ...): all streams must carry the same type; put map(f) before it
#include "millrace/operators/codec/text.h"
#include "millrace/operators/merge.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  auto other = topology.source("numbers", millrace::decimal_integer());
#else
  auto other = topology.source("texts", millrace::text());
#endif
  [[maybe_unused]] auto merged = millrace::merge(millrace::frames(topology), std::move(other));
}
