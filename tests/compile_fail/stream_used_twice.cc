// expect: a stream is used up by |
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
  auto frames = millrace::frames(topology);
#ifdef MISUSE
  frames | millrace::Pass{};
#else
  [[maybe_unused]] auto passed = std::move(frames) | millrace::Pass{};
#endif
}
