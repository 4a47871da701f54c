// expect: merge(a, b, ...): all streams must have keys of the same type; put key_by(f) before it
#include "millrace/operators/codec/text.h"
#include "millrace/operators/key_by.h"
#include "millrace/operators/merge.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  const auto key = [](std::string_view text) { return text.size(); };
#else
  const auto key = [](std::string_view text) { return text.substr(0, 1); };
#endif
  [[maybe_unused]] auto merged = millrace::merge(millrace::frames(topology) | millrace::key_by(key),
                                                 topology.source("texts", millrace::text()));
}
