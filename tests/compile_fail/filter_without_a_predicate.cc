// expect: filter(f): f must be callable with the stream's value and return bool
#include "millrace/operators/filter.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  const auto keep = [](int number) { return number > 0; };
#else
  const auto keep = [](std::string_view text) { return !text.empty(); };
#endif
  [[maybe_unused]] auto kept = millrace::frames(topology) | millrace::filter(keep);
}
