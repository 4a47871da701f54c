// expect: process(store, processor): the processor must be callable with the stream
#include "millrace/operators/process.h"
#include "millrace/tests/compile_fail/frames_stream.h"

#ifdef MISUSE
using Value = int;
#else
using Value = std::string_view;
#endif

struct Twice {
  using output_type = Value;
  template <class Next>
  void operator()(Value value, const millrace::RecordInfo& info, Next&& next) {
    next(value, info);
    next(value, info);
  }
};

void build(millrace::TopologyBuilder& topology) {
  [[maybe_unused]] auto twice = millrace::frames(topology) | millrace::process("twice", Twice{});
}
