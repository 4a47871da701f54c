// expect: a view or pointer cannot enter a store or cross a topic
#include "millrace/operators/map.h"
#include "millrace/operators/through.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  [[maybe_unused]] auto cut = millrace::frames(topology) | millrace::through("by-key");
#else
  [[maybe_unused]] auto cut =
      millrace::frames(topology) |
      millrace::map([](std::string_view text) { return std::string(text); }) |
      millrace::through("by-key");
#endif
}
