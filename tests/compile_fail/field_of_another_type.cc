// expect: each field of a codec is a member of its type
#include <cstdint>

#include "millrace/operators/codec/msgpack.h"

struct Frame {
  std::uint64_t ts = 0;
};
struct Other {
  std::uint64_t ts = 0;
};

#ifdef MISUSE
auto codec() { return millrace::msgpack<Frame>(millrace::field("ts", &Other::ts)); }
#else
auto codec() { return millrace::msgpack<Frame>(millrace::field("ts", &Frame::ts)); }
#endif
