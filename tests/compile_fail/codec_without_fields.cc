// expect: a codec binds from 1 to 64 fields
#include <cstdint>

#include "millrace/operators/codec/csv.h"

struct Frame {
  std::uint64_t ts = 0;
};

#ifdef MISUSE
auto codec() { return millrace::csv<Frame>({.separator = ';'}); }
#else
auto codec() { return millrace::csv<Frame>({.separator = ';'}, millrace::field("ts", &Frame::ts)); }
#endif
