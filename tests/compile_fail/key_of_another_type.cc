// expect: key_by(f): f must be a member or a function that gives the key of the stream's value
#include "millrace/operators/key_by.h"
#include "millrace/tests/compile_fail/frames_stream.h"

struct Order {
  int customer = 0;
};

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  [[maybe_unused]] auto keyed = millrace::frames(topology) | millrace::key_by(&Order::customer);
#else
  [[maybe_unused]] auto keyed =
      millrace::frames(topology) | millrace::key_by([](std::string_view text) { return text; });
#endif
}
