// expect: what stands right of | is no stream operator
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  millrace::frames(topology) | [](std::string_view text) { return text.size(); };
#else
  [[maybe_unused]] auto passed = millrace::frames(topology) | millrace::Pass{};
#endif
}
