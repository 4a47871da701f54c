// expect: the codec cannot decode
#include "millrace/tests/compile_fail/frames_stream.h"

struct Encoder {
  using value_type = std::string_view;
  std::string describe() const { return "write-only"; }
};

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  [[maybe_unused]] auto frames = topology.source("frames", Encoder{});
#else
  [[maybe_unused]] auto frames = topology.source("frames", millrace::TextSource{});
#endif
}
