// expect: deleted function
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
  auto frames = millrace::frames(topology);
#ifdef MISUSE
  auto fork = frames;
#else
  [[maybe_unused]] auto moved = std::move(frames);
#endif
}
