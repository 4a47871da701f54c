// expect: branch(p, q, ...) needs at least two predicates; for one use filter(p)
#include "millrace/operators/branch.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
  const auto is_long = [](std::string_view text) { return text.size() > 80; };
#ifdef MISUSE
  [[maybe_unused]] auto one = millrace::frames(topology) | millrace::branch(is_long);
#else
  [[maybe_unused]] auto two =
      millrace::frames(topology) | millrace::branch(is_long, millrace::otherwise());
#endif
}
