// expect: distinct_count counts per window: put windows(...) before it
#include "millrace/operators/distinct_count.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
  const auto user = [](std::string_view text) { return text; };
#ifdef MISUSE
  [[maybe_unused]] auto counts =
      millrace::frames(topology) | millrace::distinct_count("users", user);
#else
  [[maybe_unused]] auto counts = millrace::frames(topology) |
                                 millrace::windows({millrace::calendar_day()}) |
                                 millrace::distinct_count("users", user);
#endif
}
