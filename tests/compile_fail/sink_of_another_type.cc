// expect: the codec encodes another type than the stream carries; put map(f) before it
#include "millrace/operators/codec/text.h"
#include "millrace/operators/to.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  millrace::frames(topology) | millrace::to("sizes", millrace::decimal_integer());
#else
  millrace::frames(topology) | millrace::to("texts", millrace::text());
#endif
}
