// expect: on_close() emits when windows close: put windows(...) before it
#include "millrace/operators/aggregate.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  [[maybe_unused]] auto counts =
      millrace::frames(topology) | millrace::count("frames", millrace::on_close());
#else
  [[maybe_unused]] auto counts = millrace::frames(topology) |
                                 millrace::windows(millrace::calendar_day()) |
                                 millrace::count("frames", millrace::on_close());
#endif
}
