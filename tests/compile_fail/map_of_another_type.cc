// expect: map(f): f must be callable with the stream
#include "millrace/operators/map.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  const auto length = [](int number) { return number; };
#else
  const auto length = [](std::string_view text) { return text.size(); };
#endif
  [[maybe_unused]] auto lengths = millrace::frames(topology) | millrace::map(length);
}
