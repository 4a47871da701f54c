// expect: to(topic, codec): the codec cannot encode
#include "millrace/operators/codec/text.h"
#include "millrace/operators/to.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  millrace::frames(topology) | millrace::to("texts", millrace::TextSource{});
#else
  millrace::frames(topology) | millrace::to("texts", millrace::text());
#endif
}
