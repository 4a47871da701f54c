// expect: process(store, processor): the processor must say what it passes on
#include "millrace/operators/process.h"
#include "millrace/tests/compile_fail/frames_stream.h"

struct Lengths {
#ifndef MISUSE
  using output_type = std::size_t;
#endif
  template <class Next>
  void operator()(std::string_view text, const millrace::RecordInfo& info, Next&& next) {
    next(text.size(), info);
  }
};

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  millrace::frames(topology) | millrace::process("lengths", Lengths{});
#else
  [[maybe_unused]] auto lengths =
      millrace::frames(topology) | millrace::process("lengths", Lengths{});
#endif
}
