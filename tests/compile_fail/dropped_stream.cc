// expect: a stream must be piped on, down to a sink
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  millrace::frames(topology);
#else
  [[maybe_unused]] auto kept = millrace::frames(topology);
#endif
}
