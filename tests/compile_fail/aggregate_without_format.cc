// expect: this type has no format: declare millrace_fields(const T*) beside it
#include "millrace/operators/aggregate.h"
#include "millrace/tests/compile_fail/frames_stream.h"

struct Total {
  int bytes = 0;
};
#ifndef MISUSE
auto millrace_fields(const Total*) { return millrace::fields<Total>(&Total::bytes); }
#endif

void build(millrace::TopologyBuilder& topology) {
  [[maybe_unused]] auto totals =
      millrace::frames(topology) |
      millrace::aggregate("totals", Total{}, [](Total& total, std::string_view text) {
        total.bytes += static_cast<int>(text.size());
      });
}
